"""Tokens made by hand, right and wrong: JWT (RFC 7519) with HS256 (RFC 7518)."""

import base64
import hashlib
import hmac
import json
import time


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def decode(text):
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def api_key(keys_file):
    """(id, secret) of the first `api` line of a keys file."""
    for line in keys_file.read_text(encoding="ascii").splitlines():
        words = line.split()
        if words and words[0] == "api":
            return words[1], words[2].encode()
    raise AssertionError("no api key")


def claims_of(token):
    return json.loads(decode(token.split(".")[1].encode()))


def sign(claims, secret, algorithm="HS256"):
    """The token as its algorithm asks: `none` has no signature."""
    head = encode(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
    body = encode(json.dumps(claims).encode())
    text = head + b"." + body
    digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}.get(algorithm)
    signature = hmac.new(secret, text, digest).digest() if digest else b""
    return (text + b"." + encode(signature)).decode()


def forgeries(good, keys_file):
    """{what is wrong: token} from a token that is good."""
    claims = claims_of(good)
    key_id, secret = api_key(keys_file)
    assert sign(claims, secret).count(".") == 2 and claims["iss"] == key_id
    head, body, signature = good.split(".")
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    hour = int(time.time()) + 3600
    return {
        "empty": "",
        "garbage": "not.a.token",
        "binary": "\x01\x02\x03",
        "too long": "x" * 5000,
        "alg none": sign(claims, secret, "none"),
        "another algorithm": sign(claims, secret, "HS512"),
        "wrong key": sign(claims, b"k" * 40),
        "unknown issuer": sign({**claims, "iss": "somebody"}, secret),
        "no issuer": sign({k: v for k, v in claims.items() if k != "iss"}, secret),
        "signature flipped": ".".join((head, body, flipped)),
        "signature missing": f"{head}.{body}.",
        "no expiry": sign({k: v for k, v in claims.items() if k != "exp"}, secret),
        "unknown role": sign({**claims, "role": "emperor"}, secret),
        "not valid yet": sign({**claims, "nbf": hour, "exp": hour + 60}, secret),
    }


def expired(good, keys_file):
    return sign({**claims_of(good), "exp": int(time.time()) - 5}, api_key(keys_file)[1])
