"""A login over RADIUS with pyrad: password, then what is answered to a challenge. Prints one line for each reply.

python3 radius_client.py ADDRESS PORT SECRET USER PASSWORD [ANSWER] [--twice]
"""
import hmac
import io
import sys

import pyrad.packet
from pyrad.client import Client, Timeout
from pyrad.dictionary import Dictionary

WORDS = """
ATTRIBUTE User-Name 1 string
ATTRIBUTE User-Password 2 string
ATTRIBUTE NAS-Identifier 32 string
ATTRIBUTE Reply-Message 18 string
ATTRIBUTE State 24 octets
ATTRIBUTE Proxy-State 33 octets
ATTRIBUTE Acct-Status-Type 40 integer
ATTRIBUTE Acct-Session-Id 44 string
ATTRIBUTE Message-Authenticator 80 octets
VENDOR Fortinet 12356
BEGIN-VENDOR Fortinet
ATTRIBUTE Fortinet-Group-Name 1 string
ATTRIBUTE Fortinet-FAC-Challenge-Code 15 string
END-VENDOR Fortinet
"""
NAMES = {2: "accept", 3: "reject", 11: "challenge"}


def sign(client, request):
    """Message-Authenticator both ways, which this version of pyrad does not know: first in the reply, and right."""
    request["Message-Authenticator"] = bytes(16)
    request["Message-Authenticator"] = hmac.new(client.secret, request.RequestPacket(), "md5").digest()
    verify = request.VerifyReply

    def verify_both(reply, raw):
        zeroed = raw[:4] + request.authenticator + raw[20:22] + bytes(16) + raw[38:]
        right = raw[20:22] == b"\x50\x12" and hmac.compare_digest(hmac.new(client.secret, zeroed, "md5").digest(), raw[22:38])
        return right and verify(reply, raw)

    request.VerifyReply = verify_both


def ask(client, user, password, state=None):
    request = client.CreateAuthPacket(code=pyrad.packet.AccessRequest, User_Name=user, NAS_Identifier="pyrad")
    request["User-Password"] = request.PwCrypt(password)
    if state:
        request["State"] = state
    sign(client, request)
    reply = client.SendPacket(request)
    words = [NAMES.get(reply.code, str(reply.code))]
    for name in ("Reply-Message", "Fortinet-FAC-Challenge-Code", "Fortinet-Group-Name"):
        if name in reply:
            words.append(f"{name}={reply[name][0]}")
    print(" ".join(words), flush=True)
    return reply


def main():
    address, port, secret, user, password, *answers = sys.argv[1:]
    client = Client(server=address, authport=int(port), secret=secret.encode(), dict=Dictionary(io.StringIO(WORDS)))
    client.timeout, client.retries = 2, 12
    try:
        reply = ask(client, user, password)
        if reply.code == pyrad.packet.AccessChallenge and answers:
            ask(client, user, answers[0], reply["State"][0])
    except Timeout:
        print("timeout")


main()
