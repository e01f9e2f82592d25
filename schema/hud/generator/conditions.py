"""Conditions such as "RecordType = 144 and TypeProvided in (3,4,5)", compiled to postfix.

    condition := term ("or" term)*
    term      := factor ("and" factor)*
    factor    := "not" factor | "(" condition ")" | test
    test      := NAME ("=" | "<>") NUMBER | NAME ["not"] "in" "(" NUMBER ("," NUMBER)* ")"
               | NAME "between" NUMBER "and" NUMBER | NAME "is" ["not"] "null"
"""
import re

# The evaluator keeps its operands in a fixed array of this size (schema/hud/condition.cpp).
STACK_MAX = 8

TOKEN = re.compile(r"\s*(?:(\d+)|([A-Za-z_]\w*)|(<>|[=(),]))")
WORDS = {"and", "or", "not", "in", "between", "is", "null"}


class ConditionError(Exception):
    pass


def tokens_of(text):
    place, found = 0, []
    text = text.rstrip()
    while place < len(text):
        match = TOKEN.match(text, place)
        if not match:
            raise ConditionError(f"cannot read condition at '{text[place:]}'")
        found.append(match.group().strip())
        place = match.end()
    return found


class Parser:
    """Each step is (operation, column name or None, list of numbers)."""

    def __init__(self, text):
        self.tokens = tokens_of(text)
        self.steps = []

    def peek(self):
        return self.tokens[0] if self.tokens else ""

    def take(self, expected=None):
        token = self.peek()
        if not token or (expected and token != expected):
            raise ConditionError(f"expected {expected or 'more'}, found '{token or 'the end'}'")
        return self.tokens.pop(0)

    def number(self):
        token = self.take()
        if not token.isdigit():
            raise ConditionError(f"expected a number, found '{token}'")
        return int(token)

    def emit(self, operation, column=None, numbers=()):
        self.steps.append((operation, column, list(numbers)))

    def chain(self, word, operation, part):
        part()
        while self.peek() == word:
            self.take()
            part()
            self.emit(operation)

    def condition(self):
        self.chain("or", "Or", self.term)

    def term(self):
        self.chain("and", "And", self.factor)

    def factor(self):
        if self.peek() == "not":
            self.take()
            self.factor()
            self.emit("Not")
        elif self.peek() == "(":
            self.take()
            self.condition()
            self.take(")")
        else:
            self.test()

    def test(self):
        name = self.take()
        if name in WORDS or not re.match(r"[A-Za-z_]", name):
            raise ConditionError(f"expected a column, found '{name}'")
        word = self.take()
        if word == "between":
            low = self.number()
            self.take("and")
            self.emit("Between", name, [low, self.number()])
            return
        negated = word == "<>"
        if word == "is":
            # "is not null" is the negation of the test for emptiness.
            if self.peek() == "not":
                self.take()
                negated = True
            self.take("null")
            self.emit("Empty", name)
        elif word in ("=", "<>"):
            self.emit("OneOf", name, [self.number()])
        else:
            if word == "not":
                negated = True
                word = self.take()
            if word != "in":
                raise ConditionError(f"unknown operator '{word}'")
            self.take("(")
            numbers = [self.number()]
            while self.peek() == ",":
                self.take()
                numbers.append(self.number())
            self.take(")")
            self.emit("OneOf", name, numbers)
        if negated:
            self.emit("Not")


def compile_condition(text):
    """Postfix steps of `text`; raises ConditionError when it cannot be read."""
    parser = Parser(text)
    parser.condition()
    if parser.tokens:
        raise ConditionError(f"unexpected '{parser.peek()}'")
    depth = deepest = 0
    for operation, _, _ in parser.steps:
        depth += {"And": -1, "Or": -1, "Not": 0}.get(operation, 1)
        deepest = max(deepest, depth)
    if deepest > STACK_MAX:
        raise ConditionError(f"nested deeper than {STACK_MAX}")
    return parser.steps
