"""The bodies of the fuzz, and what has to become of each: in SQS byte for byte, an empty one as {}, or refused with
nothing in SQS."""

import json
import os
import random
import re
from urllib.parse import quote_plus

MAXIMUM = 1048576

# What SQS cannot hold (its API reference, SendMessage).
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

INJECTIONS = [
    "&", "=", "+", "%", "#", "$", "a&b", "a=b", "a+b", "a b", "100%", "%26", "%2526", "%zz", "%u0041", "a%00b", ";", "?", "/",
    "&Action=DeleteQueue", "x&Action=PurgeQueue&Version=2012-11-05", "&MessageBody=other", "x&MessageBody=other",
    "x&DelaySeconds=900", "x&MessageGroupId=other", "x&MessageDeduplicationId=other",
    "x&MessageAttribute.1.Name=a&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=b",
    "x&QueueUrl=http://127.0.0.1/000000000000/other", '{"a":"b&Action=DeleteQueue"}', '{"a":"1+1=2"}', '{"rate":"100%"}',
    "x\r\nX-Amz-Target: AmazonSQS.DeleteQueue", "x\n&Action=DeleteQueue", "x%0a%26Action%3dDeleteQueue",
    "$input.body", "$input.json('$')", "${input.body}", "$!input.body", "$util.urlEncode('x')", "$context.identity.sourceIp",
    "${stageVariables.queue}", "#set($a = 1)$a", "#if(true)yes#end", "#end", "#else", "#{else}", "#foreach($i in [1..9])$i#end",
    "#include('/etc/passwd')", "#parse('/etc/passwd')", "#stop", "##", "## comment", "#* comment *#", "#[[ raw ]]#",
    "\\$a", "\\#set", "$", "$$", "#", "$class.inspect('java.lang.Runtime')", "#evaluate('#stop')", "#macro(m)x#end#m()",
    "$context.responseOverride.status", "#set($context.requestOverride.path.x = 'y')",
    "<MessageBody>x</MessageBody>", "</SendMessageResult>", "<![CDATA[x]]>", "<!DOCTYPE a [<!ENTITY b 'c'>]>&b;", "&amp;&lt;&#65;",
    "'", '"', "''", '""', "`", "\\", "\\\\", '\\"', "'; DROP TABLE messages; --", "{{7*7}}", "${7*7}", "{%x%}",
    "a\nb", "a\r\nb", "a\rb", "\n", "\r\n", "\n\n\n", " ", "  a  ", "\ta\t", "a\n", "\na", "\u2028", "\u2029", "\u0085", "\u00a0",
    "null", "true", "0", "-0.0", "10.00", "1e400", '{"a":10.00}', "123456789012345678901234567890", "[]", "{ }", "{}\n", " {}",
    '{"a":1,"a":2}', '{"a":"\\ud800"}', '{"a":"\\u0000"}', '{"a":"\\ufffd"}', '{"a":', "[1,2", "{'a':1}", '"', "NaN", "undefined",
    "\ufeff{}", "é", "ß", "中文", "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "e\u0301", "\u202etxt", "\U0010fffd",
    "\U0010ffff", "\ufdd0", "\U0001fffe", "\ud7ff", "\ue000", "\ufffc", "\x7f", "\x80", "\x9f",
]
EMPTY = [b"", b"{}"]
ALTERED = ["\ufffd".encode(), '{"a":"\ufffd"}'.encode(), b"\xff", b"a\xffb", b"\xc3\x28", b"\xc0\xaf", b"\xed\xa0\x80",
           b"\xf8\x88\x80\x80\x80", b"\xe2\x82", b"{\"a\":\"\xe9\"}", '{"a":1}'.encode("utf-16"), '{"a":1}'.encode("utf-32-be"),
           bytes(range(256)), b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"]
REFUSED = ["\ufffe", "\uffff", "a\x00b"] + [chr(c) for c in range(32) if chr(c) not in "\t\n\r"]


def sizes() -> list[bytes]:
    big = json.dumps({"items": [{"id": n, "text": "a & b = c + d % #$ \u00e9 \U0001f600"} for n in range(2600)]}, ensure_ascii=False)
    return [
        big.encode()[:200].decode(errors="ignore").encode(),
        big.encode(), b"a" * 200_000, b"&" * 200_000, b"a" * 262_144, b"a" * 262_145,
        b"a" * MAXIMUM, b"%" * MAXIMUM, ("\U0001f600" * (MAXIMUM // 4)).encode(),
        b"a" * (MAXIMUM + 1), ("\U0001f600" * (MAXIMUM // 4) + "a").encode(), b"a" * (2 * MAXIMUM), b"a" * 5_000_000,
    ]


def form_size(body: bytes) -> int:
    """The bytes that the body takes in the form that goes to SQS."""
    return len(quote_plus(body))


def seed() -> int:
    return int(os.environ.get("GATEWAY_SEED") or random.SystemRandom().randrange(2**32))


def made(number: int, from_seed: int) -> list[bytes]:
    """Bodies made from a seed: the same seed and number, the same bodies."""
    chance = random.Random(from_seed)
    return [_one(chance) for _ in range(number)]


def fixed() -> list[bytes]:
    return [text.encode() for text in INJECTIONS] + EMPTY + ALTERED + [text.encode() for text in REFUSED]


def altered(body: bytes) -> bool:
    """Whether API Gateway has something else in hand than what was sent, or cannot tell."""
    try:
        return "\ufffd" in body.decode()
    except UnicodeDecodeError:
        return True


def queued(body: bytes) -> bytes:
    """The message that a body becomes: API Gateway does not tell an empty one from {}."""
    return body or b"{}"


def expected(body: bytes, maximum: int = MAXIMUM) -> int:
    """The status that the gateway must answer."""
    if altered(body):
        return 400
    if len(body) > maximum:
        return 413
    return 400 if FORBIDDEN.search(body.decode()) else 202


def _one(chance: random.Random) -> bytes:
    kind = chance.randrange(8)
    if kind == 0:
        return chance.randbytes(chance.randrange(1, 60))
    if kind == 1:
        return json.dumps(_value(chance, 3), ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    if kind == 2:
        return "".join(chance.choice(INJECTIONS) for _ in range(chance.randrange(1, 6))).encode()
    if kind == 3:
        return "".join(chance.choice("&=+%#$\"'\\\r\n\t <>{}[]();,.!?~^|@`a1") for _ in range(chance.randrange(1, 200))).encode()
    if kind == 4:
        return "".join(_character(chance) for _ in range(chance.randrange(1, 100))).encode()
    if kind == 5:  # what would be cut or gain a parameter if it was not encoded
        return f'{{"a":"{chance.randrange(999)}&{chance.choice(["Action", "MessageBody", "DelaySeconds"])}={chance.random()}"}}'.encode()
    if kind == 6:
        return (_word(chance) * chance.randrange(1, 3000)).encode()
    return _word(chance).encode() + bytes([chance.randrange(256)]) + _word(chance).encode()


def _character(chance: random.Random) -> str:
    low, high = chance.choice([(0x20, 0x7E), (0x20, 0x7E), (0xA0, 0x24F), (0x370, 0x1FFF), (0x2000, 0x206F), (0x4E00, 0x9FFF),
                               (0xE000, 0xFFFC), (0x10000, 0x10FFFF), (0x1F300, 0x1FAFF)])
    return chr(chance.randint(low, high))


def _word(chance: random.Random) -> str:
    return "".join(_character(chance) for _ in range(chance.randrange(1, 9)))


def _value(chance: random.Random, depth: int):
    kind = chance.randrange(7 if depth else 5)
    if kind == 0:
        return chance.choice([None, True, False])
    if kind == 1:
        return chance.randrange(-(10**12), 10**12)
    if kind == 2:
        return chance.random() * 10 ** chance.randrange(-20, 20)
    if kind == 3:
        return chance.choice(INJECTIONS)
    if kind == 4:
        return _word(chance)
    if kind == 5:
        return [_value(chance, depth - 1) for _ in range(chance.randrange(5))]
    return {_word(chance): _value(chance, depth - 1) for _ in range(chance.randrange(5))}
