//! Networks of machines: which reverse proxies are trusted.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An address, or those that begin alike: `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether an address is in it. An IPv4 address written as IPv6 is what it is.
    pub fn contains(self, address: IpAddr) -> bool {
        let (own, own_width) = bits(self.address);
        let (other, width) = bits(address);
        if own_width != width {
            return false;
        }
        // All 128 bits are more than Rust shifts by: then nothing is left to differ.
        let rest = own_width - u32::from(self.bits);
        own.checked_shr(rest).unwrap_or(0) == other.checked_shr(rest).unwrap_or(0)
    }
}

fn bits(address: IpAddr) -> (u128, u32) {
    match address.to_canonical() {
        IpAddr::V4(address) => (u32::from(address).into(), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, width) = bits(self.address);
        match u32::from(self.bits) == width {
            true => write!(f, "{}", self.address),
            false => write!(f, "{}/{}", self.address, self.bits),
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, length) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let wrong = || format!("{text:?} is neither an address nor a network such as 10.0.0.0/8");
        let address: IpAddr = address.parse::<IpAddr>().map_err(|_| wrong())?.to_canonical();
        let (_, width) = bits(address);
        let bits = match length {
            None => width,
            Some(length) => length.parse().ok().filter(|b| *b <= width).ok_or_else(wrong)?,
        };
        Ok(Self { address, bits: u8::try_from(bits).map_err(|_| wrong())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        network.parse::<Network>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_has_the_addresses_that_begin_alike() {
        assert!(contains("127.0.0.1", "127.0.0.1") && !contains("127.0.0.1", "127.0.0.2"));
        assert!(contains("10.0.0.0/8", "10.1.2.3") && !contains("10.0.0.0/8", "11.1.2.3"));
        assert!(contains("10.1.2.3/8", "10.9.9.9"), "the rest does not matter");
        assert!(contains("0.0.0.0/0", "8.8.8.8") && !contains("0.0.0.0/0", "::1"));
        assert!(contains("::/0", "2001:db8::1") && !contains("::/0", "8.8.8.8"));
        assert!(contains("2001:db8::/32", "2001:db8:1::1"));
        assert!(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(contains("::1", "::1") && !contains("::1", "::2"));
        assert!(!contains("::1", "127.0.0.1") && !contains("127.0.0.1", "::1"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in
            ["", "10.0.0.0/33", "::/129", "10.0.0/8", "localhost", "10.0.0.0/-1", "1.2.3.4/"]
        {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        for text in ["10.0.0.0/8", "::1", "127.0.0.1"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9a-f:./]{0,24}", address: u32) {
            if let Ok(network) = text.parse::<Network>() {
                let _ = network.contains(IpAddr::from(address.to_be_bytes()));
            }
        }
    }
}
