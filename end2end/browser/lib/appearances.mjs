// The appearances in which tests open pages: colour scheme and size of the screen.
export const appearances = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  phone: { colorScheme: 'light', viewport: { width: 360, height: 740 } },
};

// The screen in the control room.
export const wall = { colorScheme: 'dark', viewport: { width: 2560, height: 1440 } };

export const withoutScripts = { javaScriptEnabled: false };
export const withAndWithoutScripts = { with: {}, without: withoutScripts };

export const hasScripts = (appearance) => appearance.javaScriptEnabled !== false;
