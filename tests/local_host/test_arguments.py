"""What `python -m local_host start` refuses before it starts anything."""

import pytest

from local_host.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--port", "65536"), "--port: must be from 0 to 65535"),
        (("--port", "-1"), "--port: must be from 0 to 65535"),
        (("--in-memory", "--data", "kept"), "--data: not allowed with argument --in-memory"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["start", *arguments])
    assert told in capsys.readouterr().err
