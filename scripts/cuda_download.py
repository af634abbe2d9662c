"""Reads `pip install --dry-run --report -` and prints how much a CUDA build would download; nothing for a CPU build."""

import json
import re
import sys
import urllib.request


def size_bytes(url):
    """The length of a wheel, or 0 where its server does not say."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=20) as answer:
            return int(answer.headers.get("Content-Length", 0))
    except OSError:
        return 0


def main():
    wheels = json.load(sys.stdin)["install"]
    if not any(re.match(r"(nvidia|cuda)-", wheel["metadata"]["name"]) for wheel in wheels):
        return
    total = sum(size_bytes(wheel["download_info"]["url"]) for wheel in wheels)
    print(f"{total / 1e9:.1f} GB" if total else "several GB")


main()
