"""Turn the syntax tree of a call into the lazy call that `formulae` evaluates."""

import operator

from formulae.terms.call_resolver import CallResolver, LazyCall, LazyOperator


class _Parentheses(LazyOperator):
    """Parentheses in arithmetic, which the name of a column keeps: I((x + z) * 2)."""

    def __init__(self, inner):
        super().__init__(operator.pos, inner)
        self.symbol = "()"

    def __str__(self):
        return f"({self.args[0]})"

    def eval(self, data_mask, env):
        return self.args[0].eval(data_mask, env)


class _Called(LazyCall):
    """A call that is another one's equal if it is written alike, whatever it is compared with."""

    def __eq__(self, other):
        return isinstance(other, LazyCall) and str(self) == str(other)

    def __hash__(self):
        return hash(str(self))


class Resolver(CallResolver):
    """From the syntax tree of a call to what `formulae` evaluates."""

    def visitCallExpr(self, expr):
        call = super().visitCallExpr(expr)
        return _Called(call.callee, call.args, call.kwargs)

    def visitGroupingExpr(self, expr):
        inner = expr.expression.accept(self)
        return _Parentheses(inner) if isinstance(inner, LazyOperator) else inner
