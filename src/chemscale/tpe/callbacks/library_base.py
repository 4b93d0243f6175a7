"""Classes whose base class belongs to a library that may not be installed.

The base is joined when the first object is made, so that importing this package needs none of the libraries and
costs none of their import times.
"""

import functools
import importlib
import sys
from typing import Any, ClassVar, Self

from chemscale.base.errors import UserError


class LibraryBased:
    """A class that becomes a subclass of another library's class when an object of it is made.

    Attributes:
        modules: where the base class is looked for; one that is imported already comes first.
        base: the name of the base class in that module.
        install: what to install where no module is found.
    """

    modules: ClassVar[tuple[str, ...]]
    base: ClassVar[str]
    install: ClassVar[str]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """An object of this class and of the library's.

        Raises:
            UserError: the library is not installed.
        """
        plain: type = cls
        made: Self = object.__new__(_joined(plain))
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as the class that can be imported, which the other process joins with its base again."""
        return _remade, (type(self).__bases__[0], self.__dict__.copy())


def _remade(cls: type[LibraryBased], state: dict[str, Any]) -> LibraryBased:
    made = cls.__new__(cls)
    made.__dict__.update(state)
    return made


@functools.cache
def _joined(cls: type[LibraryBased]) -> type:
    base = getattr(_library(cls), cls.base)
    if issubclass(cls, base):
        return cls
    names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
    joined: type = type(base)(cls.__name__, (cls, base), names)
    return joined


def _library(cls: type[LibraryBased]) -> Any:
    imported = [name for name in cls.modules if name in sys.modules]
    for name in dict.fromkeys((*imported, *cls.modules)):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            missing = error
    raise UserError(f"{cls.__name__} needs {cls.install}, but {missing.name} is missing: pip install {cls.install}")
