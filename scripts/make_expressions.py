"""Writes testdata/python/expressions.txt: random expressions and what Python makes of them.

Each line is KIND, expression and value (repr), with tabs between. The names are a = 5, b = -3, c = 2, p = True,
q = False. Kinds: `any` mixes types as Python may, `typed` has what TorchScript has a type for, `tensor` has operators
that mean the same to integers and to tensors that hold them. Run with any Python 3: scripts/make_expressions.py
"""

import pathlib
import random
import warnings

NAMES = {"a": 5, "b": -3, "c": 2, "p": True, "q": False}
COUNTS = {"any": 400, "typed": 300, "tensor": 200}
warnings.simplefilter("ignore")  # "is" with a literal


class Maker:
    def __init__(self, kind, seed):
        self.kind = kind
        self.random = random.Random(seed)

    def integer(self, depth):
        pick = self.random.choice
        if depth <= 0:
            return pick(["a", "b", "c", "(a)"] + ([] if self.kind == "tensor" else ["1", "2", "7"]))
        binary = ["+", "-", "*", "//", "%", "&", "|", "^", "<<", ">>"] + (["**"] if self.kind == "any" else [])
        unary = ["-", "- "] if self.kind == "typed" else ["~", "-", "~-", "-~", "~~"]
        unary += [] if self.kind == "tensor" else ["+"]
        shape = self.random.randrange(9)
        if shape < 5:
            return f"{self.integer(depth - 1)} {pick(binary)} {self.integer(depth - 1)}"
        if shape < 7:
            return pick(unary) + self.integer(depth - 1)
        if shape == 7 and self.kind != "tensor":
            return f"({self.integer(depth - 1)} if {self.truth(depth - 1)} else {self.integer(depth - 1)})"
        return f"({self.integer(depth - 1)})"

    def comparison(self, depth):
        pick = self.random.choice
        operators = ["<", ">", "<=", ">=", "==", "!="]
        if self.kind == "tensor":
            return f"({self.integer(depth - 1)} {pick(operators)} {self.integer(depth - 1)})"
        shape = self.random.randrange(4)
        if shape == 0:
            return f"{self.integer(depth - 1)} {pick(['in', 'not in'])} [{self.integer(depth - 1)}, {self.integer(1)}]"
        text = self.integer(depth - 1)
        for _ in range(shape):
            text += f" {pick(operators)} {self.integer(depth - 1)}"
        return text

    def truth(self, depth):
        pick = self.random.choice
        if self.kind == "tensor":
            text = self.comparison(depth)
            for _ in range(self.random.randrange(3)):
                text += f" {pick(['&', '|', '^'])} {pick(['', '~'])}{self.comparison(depth)}"
            return pick(["", "~"]) + text
        if depth <= 0:
            return pick(["p", "q", "True", "False", "(q)"])
        operand = self.any if self.kind == "any" else self.truth
        shape = self.random.randrange(8)
        if shape < 3:
            return f"{operand(depth - 1)} {pick(['and', 'or'])} {operand(depth - 1)}"
        if shape == 3:
            return f"{operand(depth - 1)} or {operand(depth - 1)} and {operand(depth - 1)}"
        if shape == 4:
            return f"not {self.truth(depth - 1)}"
        if shape == 5:
            return f"({self.truth(depth - 1)})"
        if shape == 6:
            return f"{operand(depth - 1)} if {self.truth(depth - 1)} else {operand(depth - 1)}"
        return self.comparison(depth)

    def any(self, depth):
        return self.random.choice([self.integer, self.truth, self.comparison])(depth)


def value_of(text, kind):
    """None for what has no value, or one that 32 bits do not hold (shifts differ beyond)."""
    names = {name: Number(NAMES[name]) for name in "abc"} if kind == "tensor" else dict(NAMES)
    try:
        value = eval(text, names)
        value = value.value if kind == "tensor" else value
    except (ArithmeticError, AttributeError, SyntaxError, TypeError, ValueError):
        return None
    if isinstance(value, complex) or not isinstance(value, (int, float)) or abs(value) > 2**31:
        return None
    return value


def main():
    lines = []
    for kind, count in COUNTS.items():
        maker = Maker(kind, kind)
        seen = set()
        while len(seen) < count:
            text = maker.any(maker.random.randrange(1, 5))
            value = value_of(text, kind) if len(text) <= 100 and text not in seen else None
            if value is not None:
                seen.add(text)
                lines.append(f"{kind}\t{text}\t{value!r}\n")
    path = pathlib.Path(__file__).parent.parent / "testdata" / "python" / "expressions.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(lines))


class Truth:
    """A truth value of a tensor."""

    def __init__(self, value):
        self.value = bool(value)

    def __invert__(self):
        return Truth(not self.value)

    def __and__(self, other):
        return Truth(self.value & other.value)

    def __or__(self, other):
        return Truth(self.value | other.value)

    def __xor__(self, other):
        return Truth(self.value ^ other.value)


class Number:
    """An integer of a tensor; its comparisons are truth values."""

    def __init__(self, value):
        self.value = value


def add_operators():
    def of_two(name, wrap):
        def method(self, other):
            return wrap(getattr(self.value, name)(other.value))

        setattr(Number, name, method)

    for name in "add sub mul floordiv mod and or xor lshift rshift".split():
        of_two(f"__{name}__", Number)
    for name in "lt gt le ge eq ne".split():
        of_two(f"__{name}__", Truth)
    for name in "neg invert".split():
        setattr(Number, f"__{name}__", lambda self, name=name: Number(getattr(self.value, f"__{name}__")()))


if __name__ == "__main__":
    add_operators()
    main()
