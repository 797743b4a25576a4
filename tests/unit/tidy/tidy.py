#!/usr/bin/python3
"""What of the house style a machine can check: tidy.py ROOT. Prints every breach, exits 1 if there is one.

--self-test plants breaches in a scratch tree and sees that each is found.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOPS = ("platform", "checkpoint", "rbs", "mcast", "ha", "tests", "scripts")
CPP = (".h", ".cc", ".c")
CHECKED = (*CPP, ".py", ".sh", ".capnp")
COLUMNS = 100
LINES_MAX, TEST_LINES_MAX = 600, 800
FUNCTION_LINES_MAX = 70

# ---- who may include whom (folder -> folders), as the design's section on rooms says ----

ENGINES = ("mcast/", "ha/role", "ha/switchover", "ha/etrunk", "ha/lacp", "ha/bfd", "ha/flexlink",
           "ha/issu", "rbs/session", "rbs/service", "checkpoint/journal")
PLAIN = ("platform/base", "platform/fwd", "platform/gate", "platform/hmac", "checkpoint/record")
CODECS = ("checkpoint/translate", "rbs/wire", "ha/keeper/wire")
ADAPTERS = ("platform/io", "platform/kernel", "platform/asic", "checkpoint/store", "rbs/tls")
RULES = (  # first match of the folder wins; the tuple lists the prefixes that it may include
    ("platform/base", ()),
    ("platform/probe", ("platform/base",)),
    ("platform/fwd", ("platform/base",)),
    ("platform/gate", ("platform/base",)),
    ("platform/hmac", ("platform/base",)),
    ("checkpoint/record", ("platform/base",)),
    ("checkpoint/schema", (*PLAIN, *ENGINES)),
    ("ha/keeper/core", (*PLAIN, *ENGINES, "ha/keeper/wire")),
    ("ha/keeper/client", (*PLAIN, "ha/keeper/wire", "platform/io")),
    ("ha/node", (*PLAIN, *ENGINES, *CODECS, "checkpoint/schema")),
    ("ha/config", (*PLAIN, *ENGINES, *CODECS, "checkpoint/schema", "ha/node")),
    ("ha/cli", (*PLAIN, *ENGINES, *CODECS, "checkpoint/schema", "ha/node", "ha/config")),
    ("ha/keeper/main", (*PLAIN, *ENGINES, "ha/keeper/", "platform/io", "platform/kernel")),
    ("ha/daemon", ("",)),
    ("tests/", ("",)),
    *((name, (*PLAIN, *ENGINES, "checkpoint/schema")) for name in CODECS),
    *((name, PLAIN) for name in ADAPTERS),
    *((name, (*PLAIN, *ENGINES)) for name in ENGINES),
)
EXCEPTIONS = {("ha/cli/pair_commands.cc", f"rbs/tls/{name}.h")  # `hotpair pair` needs no daemon
              for name in ("authority", "key_rotation", "pair_key")}
VOCABULARY = {"ha/keeper/wire/keeper_protocol.h"}  # words that engines share with the reflexes

# ---- libraries that live in few places: pattern of the include -> files that may have it ----

CONFINED = (
    (r"boost/asio", r"(platform/(io|kernel)|rbs/tls|ha/daemon|ha/keeper)/"),
    (r"CLI/", r"platform/io/arguments\.(h|cc)"),
    (r"spdlog/", r"platform/io/log\.(h|cc)"),
    (r"nlohmann/", r"ha/cli/json\w*\.(h|cc)"),
    (r"lmdb\.h", r"checkpoint/store/"),
    (r"capnp/|kj/", r"checkpoint/schema/capnp\.h"),
    (r"openssl/", r"(rbs/tls|platform/hmac)/"),
    (r"re2/", r"ha/cli/filter\.cc"),
    (r"histedit", r"ha/cli/terminal\.cc"),
)
OPENSSL_FILES_MAX = 6  # hmac; of rbs/tls: pair key, context, certificates (three)

BANNED = (
    (r"\bTODO\b|\bFIXME\b|\bXXX\b", "unfinished work is not committed"),
)
BANNED_CLASS = re.compile(r"\b(?:class|struct)\s+\w*(?:Manager|Utils|Helper|Impl)\b")
BANNED_FOLDERS = {"utils", "common", "helpers"}


def tracked(root):
    """Files under version control, and those that are about to be."""
    done = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", *TOPS],
                          capture_output=True, text=True, check=False)
    names = done.stdout.splitlines() if done.returncode == 0 else [
        str(path.relative_to(root)) for top in TOPS for path in (Path(root) / top).rglob("*")]
    return sorted(name for name in names if (Path(root) / name).is_file())


def is_script(root, name):
    if Path(name).suffix:
        return False
    with open(Path(root) / name, "rb") as file:
        return file.read(2) == b"#!"


def includes(text):
    return re.findall(r'^\s*#\s*include\s+(["<])([^">]+)[">]', text, re.M)


def check_includes(root, name, text):
    folder = str(Path(name).parent)
    allowed = next((prefixes for module, prefixes in RULES if (folder + "/").startswith(module)), None)
    for kind, target in includes(text):
        for pattern, where in CONFINED:
            elsewhere = not re.match(where, name) and not name.startswith("tests/")
            if re.match(pattern, target) and elsewhere:
                yield f"{name}: <{target}> may be included only in {where}"
        if kind == "<" or "/" not in target or not (Path(root) / target).exists():
            continue
        other = str(Path(target).parent)
        if other == folder or target in VOCABULARY or (name, target) in EXCEPTIONS:
            continue
        if allowed is None:
            yield f"{name}: no rule says what {folder} may include"
        elif not any((other + "/").startswith(prefix) for prefix in allowed):
            yield f"{name}: {folder} may not include {target}"
        elif target.endswith("_machine.h") and folder.startswith(ENGINES):
            yield f"{name}: engines never include each other's machine ({target})"


def check_lines(name, text):
    lines = text.splitlines()
    most = TEST_LINES_MAX if name.startswith("tests/") else LINES_MAX
    if len(lines) > most:
        yield f"{name}: {len(lines)} lines, at most {most}"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS:
            yield f"{name}:{number}: {len(line)} columns, at most {COLUMNS}"
        if "\t" in line:
            yield f"{name}:{number}: a tab"


def check_words(name, text):
    for pattern, why in BANNED:
        for found in re.finditer(pattern, text):
            number = text.count("\n", 0, found.start()) + 1
            yield f"{name}:{number}: '{found.group()}': {why}"
    for found in BANNED_CLASS.finditer(text) if name.endswith(CPP) else ():
        yield f"{name}: '{found.group()}': a name that says nothing"
    if BANNED_FOLDERS & set(Path(name).parts[:-1]):
        yield f"{name}: folders are named for what they hold"


def check_functions(name, text):
    """Functions at namespace level: from the line that ends with { to the } in column 0."""
    begin = None
    for number, line in enumerate(text.splitlines(), 1):
        if line[:1] not in ("", " ", "}", "#", "/") and line.endswith("{"):
            plain = re.match(r"(namespace|class|struct|enum|union|extern|template)\b", line)
            begin = None if plain or "=" in line.split("(")[0] else number
        elif line == "}" and begin:
            if number - begin > FUNCTION_LINES_MAX:
                yield f"{name}:{begin}: a function of {number - begin} lines, at most {FUNCTION_LINES_MAX}"
            begin = None


def check_file(root, name, text):
    yield from check_words(name, text)
    yield from check_lines(name, text)
    if name.endswith(CPP):
        yield from check_includes(root, name, text)
        yield from check_functions(name, text)
    if name.endswith(".h") and "#pragma once" not in text:
        yield f"{name}: no #pragma once"


def check_folders(names):
    """Every module has a DESIGN.md beside its CMakeLists.txt, or one folder up in a common one."""
    present = set(names)
    for name in names:
        folder = Path(name).parent
        module = name.endswith("CMakeLists.txt") and folder.parts[:1] and folder.parts[0] in TOPS[:5]
        parent = folder.parent if len(folder.parts) > 2 else folder
        if module and not {f"{folder}/DESIGN.md", f"{parent}/DESIGN.md"} & present:
            yield f"{folder}: no DESIGN.md"


def check_openssl(root, names):
    users = [name for name in names if name.endswith(".cc") and not name.startswith("tests/")
             and any(target.startswith("openssl/") for _, target in includes(
                 (Path(root) / name).read_text(encoding="utf-8")))]
    if len(users) > OPENSSL_FILES_MAX:
        yield f"OpenSSL in {len(users)} files, at most {OPENSSL_FILES_MAX}: {', '.join(users)}"


def check_ids(root, names):
    """Ids of messages are for ever, and each has one meaning."""
    first = {}
    for name in names:
        if not name.endswith("_messages.h") or name.startswith("tests/"):
            continue
        text = (Path(root) / name).read_text(encoding="utf-8")
        for found in re.findall(r'"(HA-[A-Z]+-\d{4})"', text):
            if found in first:
                yield f"{name}: {found} is in {first[found]} already"
            first[found] = name


def check(root):
    names = tracked(root)
    own = "tests/unit/tidy/tidy.py"  # holds the words that it bans
    breaches = [*check_folders(names), *check_openssl(root, names), *check_ids(root, names)]
    for name in names:
        if name == own or not (name.endswith(CHECKED) or is_script(root, name)):
            continue
        breaches += check_file(root, name, (Path(root) / name).read_text(encoding="utf-8"))
    return breaches


PLANTED = {  # file -> (text, what must be said about it)
    "platform/base/a.h": ("#pragma once\n#include \"ha/node/node.h\"\n", "may not include"),
    "platform/base/b.h": ("int x;\n", "no #pragma once"),
    "ha/node/node.h": ("#pragma once\n#include <boost/asio/ip/tcp.hpp>\n", "may be included only"),
    "ha/node/long.cc": ("//\n" * 601, "601 lines"),
    "ha/node/wide.cc": ("// " + "x" * 98 + "\n", "101 columns"),
    "ha/node/words.cc": ("// TO" + "DO: later\n", "unfinished"),
    "ha/node/class.cc": ("class NodeManager {\n};\n", "says nothing"),
    "ha/node/big.cc": ("void f() {\n" + "  g();\n" * 71 + "}\n", "a function of 72 lines"),
    "ha/role/role_machine.h": ("#pragma once\n", None),
    "ha/switchover/s.cc": ('#include "ha/role/role_machine.h"\n', "each other's machine"),
    "ha/cli/other.cc": ("#include <nlohmann/json.hpp>\n", "may be included only"),
    "ha/role/a_messages.h": ('#pragma once\nMessage a{"HA-A-0001"};\n', None),
    "ha/role/b_messages.h": ('#pragma once\nMessage b{"HA-A-0001"};\n', "already"),
    "mcast/utils/x.cc": ("int y;\n", "named for what they hold"),
    "rbs/wire/CMakeLists.txt": ("", "no DESIGN.md"),
}


def self_test():
    with tempfile.TemporaryDirectory() as root:
        for name, (text, _) in PLANTED.items():
            path = Path(root) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        breaches = check(root)
    failed = 0
    for name, (_, wanted) in PLANTED.items():
        mine = [b for b in breaches if b.startswith((f"{name}:", f"{Path(name).parent}:"))]
        good = not mine if wanted is None else any(wanted in breach for breach in mine)
        failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {name}: {mine}")
    return failed


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    breaches = check(sys.argv[1] if len(sys.argv) > 1 else ".")
    for breach in breaches:
        print(breach)
    print(f"tidy: {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
