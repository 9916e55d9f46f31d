"""Sign in at Cognito with SRP, as a browser does, and verify the tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from datetime import UTC, datetime
from typing import Any
from urllib.request import urlopen

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

# SRP as in Cognito's clients: the 3072-bit group of RFC 5054, SHA-256, and Cognito's key derivation.
N = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)


def sign_in(
    cognito: Any, pool_id: str, client: str, username: str, password: str
) -> dict[str, str]:
    """Sign a user in with USER_SRP_AUTH, and return the tokens.

    The names of the values are those of RFC 5054: a and A, B, u, x, k and S.
    """
    a = secrets.randbelow(N)
    public_a = pow(2, a, N)
    started = cognito.initiate_auth(
        ClientId=client,
        AuthFlow="USER_SRP_AUTH",
        AuthParameters={"USERNAME": username, "SRP_A": f"{public_a:x}"},
    )
    challenge = started["ChallengeParameters"]
    user, name = challenge["USER_ID_FOR_SRP"], pool_id.partition("_")[2]
    public_b, salt = int(challenge["SRP_B"], 16), int(challenge["SALT"], 16)
    u = digest(padded(public_a), padded(public_b))
    password_hash = hashlib.sha256(f"{name}{user}:{password}".encode()).digest()
    x = digest(padded(salt), password_hash)
    k = digest(padded(N), padded(2))
    shared = pow(public_b - k * pow(2, x, N), a + u * x, N)
    extracted = hmac.digest(padded(u), padded(shared), "sha256")
    key = hmac.digest(extracted, b"Caldera Derived Key\x01", "sha256")[:16]
    now = datetime.now(UTC)
    timestamp = f"{now:%a %b} {now.day} {now:%H:%M:%S} UTC {now:%Y}"
    block = challenge["SECRET_BLOCK"]
    signed = name.encode() + user.encode() + base64.b64decode(block) + timestamp.encode()
    finished = cognito.respond_to_auth_challenge(
        ClientId=client,
        ChallengeName="PASSWORD_VERIFIER",
        ChallengeResponses={
            "USERNAME": user,
            "TIMESTAMP": timestamp,
            "PASSWORD_CLAIM_SECRET_BLOCK": block,
            "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(
                hmac.digest(key, signed, "sha256")
            ).decode(),
        },
    )
    return finished["AuthenticationResult"]


def padded(number: int) -> bytes:
    """Return *number* in big-endian order; a zero byte precedes a first byte with the highest bit."""
    return number.to_bytes(number.bit_length() // 8 + 1)


def digest(*parts: bytes) -> int:
    """Return the hash of all parts as a number."""
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest())


def verify_token(token: str, jwks_url: str) -> dict[str, Any]:
    """Return the claims of a token. Raise InvalidSignature unless a key at *jwks_url* signed it."""
    header, claims, signature = token.split(".")
    with urlopen(jwks_url) as response:  # noqa: S310  The emulator.
        keys = {key["kid"]: key for key in json.load(response)["keys"]}
    key = keys[json.loads(decode_base64url(header))["kid"]]
    numbers = rsa.RSAPublicNumbers(
        *(int.from_bytes(decode_base64url(key[name])) for name in ("e", "n"))
    )
    numbers.public_key().verify(
        decode_base64url(signature),
        f"{header}.{claims}".encode(),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )
    return json.loads(decode_base64url(claims))


def decode_base64url(text: str) -> bytes:
    """Return the decoded bytes of base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
