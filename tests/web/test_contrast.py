"""The default colours can be told apart in both schemes (WCAG 2.2, 1.4.3 and 1.4.11: AA)."""

import re
from pathlib import Path

import pytest

STYLE = Path(__file__).resolve().parents[2] / "src/admit/web/static/style.css"
TEXT = [
    *(("text", ground) for ground in ("surface", "background")),
    *(("muted", ground) for ground in ("surface", "background")),
    *(("accent", ground) for ground in ("surface", "background")),
    ("on-accent", "accent"),
    *(("danger", ground) for ground in ("surface", "danger-soft")),
    *(("good", ground) for ground in ("surface", "good-soft")),
]
EDGES = [("field", "surface"), ("field", "background"), ("danger", "surface")]


def schemes():
    """The colours of each scheme by their names."""
    light, dark = STYLE.read_text(encoding="utf-8").split("prefers-color-scheme: dark", 1)
    colour = re.compile(r"--admit-([\w-]+): (#[0-9a-f]{6});")
    first = dict(colour.findall(light))
    return {"light": first, "dark": first | dict(colour.findall(dark))}


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_both_schemes_give_every_colour():
    light, dark = schemes().values()

    assert light.keys() == dark.keys()
    assert not [name for name in light if light[name] == dark[name]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_edges_can_be_seen(scheme):
    colours = schemes()[scheme]
    for pairs, least in ((TEXT, 4.5), (EDGES, 3.0)):
        for one, other in pairs:
            assert contrast(colours[one], colours[other]) >= least, (one, other)
