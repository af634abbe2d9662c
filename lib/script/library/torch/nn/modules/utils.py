# One number for all dimensions, or a number for each.


def _single(x):
    if isinstance(x, (list, tuple)):
        return tuple(x)
    return (x,)


def _pair(x):
    if isinstance(x, (list, tuple)):
        return tuple(x)
    return (x, x)


def _triple(x):
    if isinstance(x, (list, tuple)):
        return tuple(x)
    return (x, x, x)


def _quadruple(x):
    if isinstance(x, (list, tuple)):
        return tuple(x)
    return (x, x, x, x)
