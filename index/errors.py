"""Every error that Article QA raises on purpose, as one tree; each message says what to do next.

ArticleQAError
├── InputError              an article file, a question file or a value is wrong: mend it, trying again does not help
├── ConfigError             a setting is unknown or out of range
├── LibraryError            the library folder cannot be used
│   └── StaleLibraryError   it was made with another embedding model or a newer format
├── WeightsError            a model file is missing or wrong
│   └── WeightsUnavailableError   no source answered: trying again later may help
└── LLMError                the language model gave no usable answer
    ├── LLMUnavailableError       not reached, busy, or gone: trying again may help
    └── LLMRejectedError          it refused the request: trying again does not help
"""


class ArticleQAError(Exception):
    """The root: `except ArticleQAError` catches what a user can be told about, and nothing else."""


class InputError(ArticleQAError):
    """Something given by the user is wrong. The message names the file, the field and the way out."""


class ConfigError(ArticleQAError):
    """A setting is unknown, of the wrong type or out of its range."""


class LibraryError(ArticleQAError):
    """The library folder cannot be used as it is."""


class StaleLibraryError(LibraryError):
    """The library was made by another embedding model or a newer version of this program."""


class WeightsError(ArticleQAError):
    """A model file is missing, or its SHA-256 is not the pinned one."""


class WeightsUnavailableError(WeightsError):
    """No source of a model answered; nothing partial was kept that could be mistaken for the model."""


class LLMError(ArticleQAError):
    """The language model gave no usable answer. Never returned as the text of an answer."""


class LLMUnavailableError(LLMError):
    """Not reached, overloaded, timed out or gone in the middle of an answer."""


class LLMRejectedError(LLMError):
    """The server refused the request: a wrong key, an unknown model, a prompt too long."""
