# SPDX-License-Identifier: GPL-2.0-or-later
"""What hostile guests send: generators of bytes, for FakeGuests."""

import random


def garbage():
    rng = random.Random(1)
    while True:
        yield rng.randbytes(65536)


def no_newline():
    for _ in range(100):
        yield b"x" * (1 << 20)


def deep():
    while True:
        yield b'{"v":1,"type":"report","stats":' + b"[" * 8000 + b"]" * 8000 + b"}\n"
        yield b'{"a":' * 3000 + b"\n"


def huge_numbers():
    while True:
        yield b'{"v":1,"type":"report","stats":{"lazy_pages":' + b"9" * 4000 + b"}}\n"
        yield b'{"v":1,"type":"report","stats":{"lazy_pages":1e308,"map_calls":-9223372036854775808}}\n'


def wrong_versions():
    while True:
        yield b'{"v":2,"type":"hello"}\n{"v":-1}\n{"v":"1"}\n{"v":99999999999}\n'


def slow_drip():
    text = b'{"v":1,"type":"hello","agent":"a","boot":"b"}\n'
    while True:
        for byte in text:
            yield bytes([byte])


def hello_flood():
    while True:
        yield b'{"v":1,"type":"hello","agent":"flood","boot":"b"}\n' * 1000


def forged_results():
    while True:
        yield b"".join(b'{"v":1,"type":"result","id":%d,"applied":{},"refused":{"zpool":"%s"}}\n'
                       % (number, b"A" * 3000) for number in range(50))


def other_sides_messages():
    while True:
        yield (b'{"v":1,"type":"command","command":"set-options","domain":"honest-0","set":{"max-pool":1}}\n'
               b'{"v":1,"type":"configure","id":1,"options":{"max-pool":1}}\n{"v":1,"type":"reply","done":true}\n')


def impostor():
    while True:
        yield (b'{"v":1,"type":"hello","agent":"x","boot":"b","domain":"honest-0","name":"honest-0","uuid":"directory:honest-0"}\n'
               b'{"v":1,"type":"report","domain":"honest-0","stats":{"lazy_pages":666},"memory":{},"options":{}}\n')


def terminal_escapes():
    while True:
        yield b'{"v":1,"type":"hello","agent":"\\u001b[2J\\u0007","boot":"\\n\\n","kernel":"\\u001b]0;x\\u0007"}\n'


KINDS = [garbage, no_newline, deep, huge_numbers, wrong_versions, slow_drip, hello_flood, forged_results,
         other_sides_messages, impostor, terminal_escapes]
