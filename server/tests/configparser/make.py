"""Writes cases.json: what Python's configparser makes of tricky texts.

Run `python3 make.py` in this directory after adding a case; the test
`config::ini::tests::every_text_is_read_as_python_reads_it` holds our reader against the result.
"""

import configparser
import json
import pathlib
import tempfile

TEXTS = {
    "both delimiters": "[A]\nx = 1\ny: 2\nz=3\nw:4\n",
    "the first delimiter counts": "[A]\nurl: http://host:80/?a=b\neq = a=b:c\n",
    "no blanks needed": "[A]\nx=1\n",
    "blanks in keys": "[A]\nlong key name = 1\n",
    "keys are lower-cased, sections are not": "[Abc]\nKeY = Value\n[abc]\nkey = other\n",
    "unicode keys": "[Ä]\nÄÖ = ü\nSTRASSE = ß\nİ = dot\nΣΑΣ = sigma\n",
    "key without value": "[A]\nalone\nother = 1\n",
    "key with empty value": "[A]\nx =\ny:\nz = 1\n",
    "key without value, blanks after": "[A]\nalone   \nx = 1\n",
    "comments": "# top\n; top too\n[A]\n# in\nx = 1\n; in too\ny = 2\n",
    "indented comments": "[A]\n   # in\nx = 1\n\t; in too\ny = 2\n",
    "inline comments belong to the value": "[A]\nx = 1 # one\ny = 2 ; two\n",
    "comment without blank": "[A]\n#x = 1\n;y = 2\nz = 3\n",
    "continuation": "[A]\nx = one\n  two\n\tthree\ny = 4\n",
    "continuation with key look": "[A]\nx = one\n  y = two\n  [B]\n",
    "continuation with comment inside": "[A]\nx = one\n  # not this\n  two\n",
    "continuation after empty value": "[A]\nx =\n  one\n  two\n",
    "blank line inside a value": "[A]\nx = one\n\n  two\n\n\ny = 3\n",
    "blank line then comment inside a value": "[A]\nx = one\n\n# c\n  two\n",
    "blank lines at the end of a value": "[A]\nx = one\n\n\n\n",
    "blank lines with blanks": "[A]\nx = one\n   \n  two\n",
    "continuation must be deeper": "[A]\n  x = one\n  y = two\n    three\n y2 = four\n",
    "indented section": "[A]\nx = 1\n[B]\n  [C]\n  y = 2\n",
    "indented key after section": "[A]\n    x = 1\n    y = 2\n",
    "continuation of a key without value": "[A]\nalone\n  more\n",
    "blank line after a key without value": "[A]\nalone\n\nx = 1\n",
    "dedent ends the value": "[A]\n    x = 1\n  y = 2\n    z\n",
    "tab and blanks count as one each": "[A]\n\tx = 1\n  y\n",
    "trailing blanks": "[A]  \nx = 1   \ny = a b  \n",
    "text after header": "[A] # not a comment\nx = 1\n",
    "brackets in header": "[A]B]\nx = 1\n",
    "blanks in header": "[ A b ]\nx = 1\n",
    "open bracket": "[A]\n[B\nx = 1\n",
    "empty header is a key": "[A]\n[]\n",
    "empty header first": "[]\nx = 1\n",
    "only bracket": "[A]\n[]]\nx = 1\n",
    "no section": "x = 1\n",
    "no section, comment before": "# c\n\nx = 1\n",
    "empty": "",
    "only comments": "# a\n; b\n",
    "no line end": "[A]\nx = 1",
    "windows line ends": "[A]\r\nx = 1\r\n  two\r\n\r\ny = 2\r\n",
    "old mac line ends": "[A]\rx = 1\ry = 2\r",
    "form feed and vertical tab are blanks": "[A]\nx = \x0c1\x0b\n\x0cy = 2\n",
    "old separators are blanks": "[A]\nx = \x1c1\x1f\n\x1ey = 2\n",
    "no-break space is a blank": "[A]\nx =\u00a01\u00a0\n\u3000y = 2\n",
    "line separator does not end a line": "[A]\nx = 1\u2028y = 2\n",
    "next line does not end a line": "[A]\nx = 1\u0085y = 2\n",
    "no key": "[A]\n= 1\n",
    "no key, colon": "[A]\nx = 1\n: 1\n",
    "section twice": "[A]\nx = 1\n[B]\n[A]\ny = 2\n",
    "key twice": "[A]\nx = 1\nX: 2\n",
    "key twice in two sections": "[A]\nx = 1\n[B]\nx = 2\n",
    "DEFAULT": "[DEFAULT]\nbase = /a\n[A]\nx = %(base)s/x\n[B]\nbase = /b\nx = %(BASE)s/x\n",
    "DEFAULT after": "[A]\nx = %(base)s/x\n[DEFAULT]\nbase = /a\n",
    "DEFAULT twice": "[DEFAULT]\na = 1\n[A]\n[DEFAULT]\nb = 2\n",
    "key twice in DEFAULT": "[DEFAULT]\na = 1\n[A]\n[DEFAULT]\na = 2\n",
    "default in other letters": "[default]\na = 1\n[A]\nx = %(a)s\n",
    "interpolation": "[A]\nbase = /a\nx = %(base)s/b/%(BASE)s\n",
    "interpolation forward": "[A]\nx = %(y)s!\ny = 1\n",
    "interpolation is recursive": "[A]\na = %(b)s\nb = <%(c)s>\nc = 3\n",
    "interpolation is within the section": "[A]\na = 1\n[B]\nb = %(a)s\n",
    "percent": "[A]\nx = 100%%\ny = %%(a)s\nz = %(x)s\n",
    "percent of percent": "[A]\nx = %%%%\ny = %(x)s\n",
    "lone percent": "[A]\nx = 100%\ny = 1\n",
    "percent and letter": "[A]\nx = %a\ny = %(z\nz = %()s\nw = %(x)d\n",
    "reference to nothing": "[A]\nx = %(nowhere)s\n",
    "reference to a key without value": "[A]\nalone\nx = %(alone)s\n",
    "reference to an empty value": "[A]\nempty =\nx = <%(empty)s>\n",
    "loop": "[A]\na = %(b)s\nb = %(a)s\nc = %(c)s\n",
    "loop through DEFAULT": "[DEFAULT]\na = %(b)s\n[A]\nb = x%(a)s\n",
    "ten levels": "[A]\n" + "".join(f"k{i} = %(k{i + 1})s\n" for i in range(10)) + "k10 = end\n",
    "eleven levels": "[A]\n" + "".join(f"k{i} = %(k{i + 1})s\n" for i in range(11)) + "k11 = end\n",
    "ten levels and percents": "[A]\n"
    + "".join(f"k{i} = %(k{i + 1})s\n" for i in range(9))
    + "k9 = 100%%\n",
    "eleven levels and percents": "[A]\n"
    + "".join(f"k{i} = %(k{i + 1})s\n" for i in range(10))
    + "k10 = 100%%\n",
    "reference with blanks and newline": "[A]\na b = 1\nx = %(a b)s\ny = %(a\n  b)s\n",
    "interpolation over lines": "[A]\nbase = 1\nx = %(base)s\n  %(base)s\n",
    "reference with a parenthesis": "[A]\na(b = 1\nx = %(a(b)s\n",
    "raw percents elsewhere": "[A]\nx = 1\n[LOG]\nformat: '%(levelname)s %(message)s'\n",
    "nested like YAML": "[P]\nversion: 1\nformatters:\n    simple:\n        format: '%(name)s'\n"
    "        #format: no\n        datefmt: '%Y'\nlast: False\n",
    "byte order mark": "\ufeff[A]\nx = 1\n",
    "quotes are kept": "[A]\nx = \"quoted\"\ny = ' a '\n",
    "value that looks like a header": "[A]\nx =\n[B]\ny = 1\n",
    "equals first": "[A]\nx == 1\ny := 2\nz =: 3\n",
    "header with blanks inside line": "  [A]\n  x = 1\n",
    "real file": "[LST1]\n# BASE\nBASE: /fefs/aswg/data/real\nMONITORING: %(BASE)s/monitoring\n"
    "CALIB_BASE_DIR: %(MONITORING)s/PixelCalibration/Cat-A\nPROD_ID\nDL1_PROD_ID:\n"
    "CALIB_DIR: %(CALIB_BASE_DIR)s/calibration\n",
}


def read(text):
    """The sections and values of a text, or the name of the error."""
    parser = configparser.ConfigParser(allow_no_value=True)
    with tempfile.NamedTemporaryFile("wb") as file:
        file.write(text.encode())
        file.flush()
        try:
            parser.read(file.name, encoding="utf-8")
        except (configparser.Error, AttributeError) as error:
            return {"error": type(error).__name__}
    sections = {}
    for section in parser.sections():
        values = sections[section] = {}
        for key in parser[section]:
            try:
                values[key] = {"value": parser.get(section, key)}
            except (configparser.Error, TypeError) as error:
                values[key] = {"error": type(error).__name__}
    return {"sections": sections, "own": {s: list(parser._sections[s]) for s in parser.sections()}}


if __name__ == "__main__":
    cases = [{"name": name, "text": text, "python": read(text)} for name, text in TEXTS.items()]
    out = json.dumps(cases, indent=1, ensure_ascii=True)
    pathlib.Path(__file__).with_name("cases.json").write_text(out + "\n")
    print(len(cases), "cases")
