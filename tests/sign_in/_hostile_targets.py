"""Places a login could be made to end at, those it has to be able to end at, and where each is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from urllib.parse import unquote


def _listed(text: str) -> tuple[str, ...]:
    """Values between spaces, with Python's escapes."""
    return tuple(word.encode().decode("unicode_escape") for word in text.split())


_SCHEMES = _listed(r"""
    http https HTTPS hTtP ftp ws wss file blob:https view-source:http javascript JaVaScRiPt
    java\tscript vbscript data mailto tel x intent
""")
_SEPARATORS = ("", ":", ":/", "://", ":///", ":////", ":\\", ":\\\\", ":/\\", ":%2f%2f", ":\t//")

# Each is read as two slashes at the start of a path by some reader, or takes away what stands
# before two: a browser, a proxy that decodes, a server that decodes again, or one that folds.
_STARTS = _listed(r"""
    // /// //// ///// //\t/ \\\\ \\/ /\\ /\\/ /\\\\ \\ \\/\\/ /\t/ /\n/ /\r/ /\r\n/ /\t\\
    \t// \n// \x20// \x00// \x1f// /\x00/ /\x20/ /\x20\x20// /\xa0/ /\u3000/ /\u2003/ /\xad/
    /\u200b/ /\u200d/ /\ufeff/ /\u202e/ /\u2028/ /\u2029/ /\x85/ /\x7f/ /\u0338/ /\ufe0f/
    /\u2060/ /%2f /%2F /%2f%2f /%5c /%5C /%5c%5c /%2f%5c /%5c/ %2f%2f %2f/ /%252f /%252F
    /%255c /%25%32%66 /%%32%66 /%2%66 /%255C /%09/ /%0a/ /%0d/ /%0d%0a/ /%00/ /%20/ /%20%2f
    /%c2%a0/ /%7f/ /%2509/ /%250a/ /%2500/ /%09%2f /%e2%80%8b/ /%c2%ad/ /%25e2%2580%258b/
    /%c0%af /%C0%AF /%c0%2f /%c1%9c /%e0%80%af /%f0%80%80%af /%ff/ /%25c0%25af /\uff0f
    \uff0f\uff0f /\uff3c /\u2044 /\u2215 /\u29f8 /\u29f9 /\ufe68 /\u3031 /\u3035 /\u309d
    /\u30fc /\uff70 \u3031 \u3035 /\u2571 /\u2216 /%ef%bc%8f /%ef%bc%bc /%e2%88%95
    /%e3%80%b1 /%25ef%25bc%258f /\u200b\uff0f . .. ./ ../ ..// .// ./\\ ..;// ?// #// @
    :80// *// ;//
""")
_DOTS = _listed(r"""
    .. . %2e%2e %2E. .%2e %2e %252e%252e %252e. .\u200b. .\t. .%20
""")
_BEFORE_DOTS = ("", "/x", "/x/y/..", "/x/%2e", "//", "/%2f", "/\u65e5\u672c", "/x%2fy", "/x;y=z")
_AFTER_DOTS = _listed(r"""
    // /\\ \\\\ %2f%2f /%5c %5c/ %252f%252f /%2f /\uff0f /\t/
""")

# What is tried against every site that redirects.
_CLASSICS = _listed(r"""
    HOST www.HOST HOST/ .HOST @HOST :@HOST HOST#/ \x20 \t x x/y ?x #x index.html ~ /.. /.
    /x/.. /../x javascript:alert(1) javascript://%0aalert(1) \x01javascript:alert(1) data:,x
    java\nscript:alert(1) \\x6aavascript:alert(1) javascript&colon;alert(1) data:
    /x\r\nSet-Cookie:\x20a=b /x\nLocation:\x20//y /x%0d%0aSet-Cookie:a=b /%0a%0dx /x\r
    /x?y\r\nSet-Cookie:\x20a=b /x#y\nz /x?\x00 /\x1b[0m /x?\x85 /x\u2028y /\ud800 /x?\udfff
    /x#\ud83d /\ude00\ud83d /a\\b /a\\..\\..\\ /x\\@y /\\HOST\\ \\\\HOST\\share /\\\\\\HOST
    //HOST\\@rp.test //HOST\u3002test //rp.test\uff20HOST //[::ffff:7f00:1]/HOST //0/HOST
    https://rp.test.HOST/ https://rp.test%2eHOST https://HOST/https://rp.test
    https://rp.test/x http://rp.test/x https://rp.test:8443/x //rp.test/x
""")
# Longer than any address that a person was at.
_LONG = ("/" * 3000, "/" + "x" * 2048, "/x?" + "y" * 70_000, "/" + "../" * 5000)


def hostile(host: str = "evil.test") -> list[str]:
    """Targets that lead to a host, or may lead there when somebody on the way means well."""
    return list(dict.fromkeys(_hostile(host)))


def _hostile(host: str) -> Iterator[str]:
    hosts = (host, f"rp.test@{host}", f"rp.test:80@{host}", f"{host}/%2e%2e", f"{host}?rp.test")
    for scheme, separator, place in product(_SCHEMES, _SEPARATORS, hosts):
        yield f"{scheme}{separator}{place}"
    for start, place in product(_STARTS, hosts):
        yield f"{start}{place}"
    for before, dots, after in product(_BEFORE_DOTS, _DOTS, _AFTER_DOTS):
        yield f"{before}/{dots}{after}{host}"
    yield from ("", *(value.replace("HOST", host) for value in _CLASSICS), *_LONG)


#: The rows of the table of cases that name values, with what is refused in each.
REFUSED = {
    "N01": ("//evil.test", "///evil.test", "////evil.test"),
    "N02": ("/\\evil.test", "\\\\evil.test", "\\/evil.test"),
    "N04": ("https:evil.test", "https:/evil.test", "https:///evil.test"),
    "N05": ("javascript:x", "data:text/html,x", "vbscript:x", " javascript:x", "\x01javascript:x"),
    "N06": ("https://rp.test@evil.test", "https://rp.test:80@evil.test"),
    "N08": ("http://rp.test/x", "https://rp.test:8443/x", "https://rp.test/x"),
    "N09": ("/%2f%2fevil.test", "/%5cevil.test", "/%252fevil.test"),
    "N10": ("/x\r\nSet-Cookie: a=b", "/x%0d%0aSet-Cookie:%20a=b", "/x?y\nSet-Cookie: a=b"),
    "N12": ("\uff0f\uff0fevil", "/\uff0fevil", "//evil\u3002test", "\u3031evil", "/\u3031evil"),
    "N13": ("/..//evil.test", "/.//evil.test", "/x/..//evil", "/x/%2e%2e//evil", "/x/..\\/evil"),
}

#: Addresses that applications have, as a browser's address bar or ``request.full_path`` gives them.
GOOD = (
    "/",
    "/a",
    "/a/",
    "/a?b=c&d=e#f",
    "/a?",
    "/a#",
    "/?a",
    "/#/route/of/a/page",
    "/#!/old//route",
    "/a//b",
    "/a///",
    "/a%2fb%2f%2fc",
    "/files/a%5Cb",
    "/a%20b/%20/c",
    "/a b/c d?e=f g",
    "/100%25/100%",
    "/ecole/%e9t%e9",
    "/caf\xe9/\xfcber?\xdf=\xe6#\xf8",
    "/caf%C3%A9/%C3%BCber",
    "/\u0130stanbul/\u012franga/\u015eark\u0131",
    "/\u65e5\u672c\u8a9e/\u30b3\u30fc\u30d2\u30fc/\u8a18\u4e8b\uff0f\u4e00\u89a7\u3002",
    "/\u0639\u0631\u0628\u064a/\u200f\u05e2\u05d1\u05e8\u05d9\u05ea",
    "/\u0939\u093f\u0928\u094d\u200d\u0926\u0940/\u0e44\u0e17\u0e22",
    "/e\u0301/soft\xadhyphen/zero\u200bwidth/no\xa0break",
    "/\U0001f468\u200d\U0001f469\u200d\U0001f467/?x=\U0001f469\u200d\U0001f680\ufe0f",
    "/search?q=a+b&q=%F0%9F%98%80&next=//evil.test/..//x&u=https://a.test/b?c=d",
    "/search?q=C:\\dir\\..\\file&r=%5c%2f%2f%0d%0a%00&s=../..#//x\\y/../%2f",
    "/callback?u=%2F%2Fevil.test%2F..%2F%2Fx",
    "/.well-known/openid-configuration",
    "/...",
    "/a/.../b..c/.d/e./..f",
    "/.git",
    "/%2e%2ea/.%2eb",
    "/@user/~home/$x/!y/*z/(a)/'b'/,c/;d=e/=f/+g/:h/&i",
    '/[a]/{b}/|c|/^d/`e`/"f"/<g>',
    "/x@evil.test",
    "/evil.test",
    "/https://evil.test/x",
    "/http:evil.test",
    "/:80/x",
    "/-/_/x",
    "/a;v=1/b;w=..",
    "/static/app.1f2e.js?v=1.2.3",
    "/users/3f2504e0-4f89-11d3-9a0c-0305e82c3301/edit",
    "/" + "x" * 2047,
    "/?" + "%20" * 600,
)

# Slashes are the likeliest.
_PIECES = _listed(r"""
    / / / \\ . .. %2e %2E %2f %2F %5c %252f %252e %25 % ? # @ : ; & = a b evil.test 127.1
    [::1] https: javascript: \t \n \r \x20 \x00 \x0b \x7f \x85 \xa0 \xad %09 %0a %00 %20
    \u200b \u200d \u2028 \u202e \u3000 \ufeff \ufffd \ud800 \udc00 %ff \uff0f \uff3c \u2044
    \u2215 \u3031 \u3002 \uff0e \u2025 \u0338 \xe9 %c0%af %ef%bc%8f %e2%80%8b %c2%a0
    \U0001f468 \u65e5 \u012f \u560a | <
""")
#: What hostile targets are made of.
NASTY = tuple(dict.fromkeys(_PIECES))


def nasty(count: int, seed: int) -> list[str]:
    """Targets put together from such pieces, the same for the same seed; most begin with ``/``."""
    draw = random.Random(seed)
    starts = ("/", "/", "/", "/a/", "/a", "")
    return [
        draw.choice(starts) + "".join(draw.choices(_PIECES, k=draw.randint(0, 9)))
        for _ in range(count)
    ]


def pathname(target: str) -> str | None:
    """The path that a browser asks our site for; ``None`` if it asks another site.

    Step by step as WHATWG URL 4.4 has it for a base with a special scheme, so nothing of it is
    like what is tested.
    """
    target = target.strip("".join(map(chr, range(0x21))))
    for dropped in "\t\n\r":
        target = target.replace(dropped, "")
    path = target.partition("#")[0].partition("?")[0].replace("\\", "/")
    if path.startswith("//") or not path.startswith("/"):
        return None
    kept: list[str] = []
    segments = path[1:].split("/")
    for number, segment in enumerate(segments):
        plain = segment.lower().replace("%2e", ".")
        if plain == "..":
            del kept[-1:]
        elif plain != ".":
            kept.append(segment)
        if plain in (".", "..") and number == len(segments) - 1:
            kept.append("")
    return "/" + "/".join(kept)


def stays_here(target: str) -> bool:
    """Whether it leads to our site, as it is and after one and two rounds of decoding."""
    path = target.partition("#")[0].partition("?")[0]
    readings = (target, unquote(path), unquote(unquote(path)), unquote(unquote(target)))
    return all((pathname(reading) or "//")[:2] != "//" for reading in readings)
