"""One question to one decoder process, and what became of it."""

import signal
from typing import Final

from dedup_core.errors import TemporaryError
from dedup_decoders.answers import InvalidAnswerError, failure_in, refusal_in
from dedup_decoders.child_process import ChildDied, ChildOverran, ChildProcess
from dedup_decoders.questions import Question
from dedup_decoders.wire import BrokenFrameError, Kind

# Signals that a program brings upon itself. Any other one came from outside, and the file may have no part in it.
OWN_FAULTS: Final = frozenset(
    -getattr(signal, name)
    for name in ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT", "SIGTRAP", "SIGSYS", "SIGXCPU", "SIGXFSZ")
    if hasattr(signal, name)
)


class Failed(Exception):
    """A process gave no answer about a file that can be used. `reason` is that of the rejection it may come to."""

    def __init__(self, reason: str, message: str, *, own_fault: bool = True) -> None:
        super().__init__(message)
        self.reason = reason
        self.own_fault = own_fault


def ask_child[T](child: ChildProcess, question: Question[T]) -> T:
    """What is made of the answer of one process. Raises why the file is refused, `TemporaryError` or `Failed`."""
    try:
        answer = child.ask(question.kind, question.data, question.meanwhile)
        if answer[0] is Kind.REFUSED:
            raise refusal_in(answer[1])
        if answer[0] is Kind.FAILED:
            raise Failed("decoder-crashed", f"brings up a fault in the decoder ({failure_in(answer[1])})")
        return question.check(answer)
    except ChildDied as error:
        own_fault = error.code in OWN_FAULTS or error.code >= 0
        raise Failed("decoder-crashed", f"ends its decoder, which {error}", own_fault=own_fault) from error
    except ChildOverran as error:
        raise Failed("decoder-timeout", f"keeps its decoder busy: it {error}") from error
    except (BrokenFrameError, InvalidAnswerError) as error:
        raise Failed("decoder-crashed", f"makes its decoder answer nonsense ({error})") from error
    except OSError as error:
        raise TemporaryError(f"The file cannot be handed to a decoder: {error}", reason="no-decoder") from error
