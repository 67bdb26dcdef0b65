"""What the calculator wrote is dim, in the pane of a branch and where it is read in full."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.content import Content

from rm_local.loop import TurnBranch
from rm_local.tui import formatting
from rm_local.tui.screens import reader
from rm_local.tui.widgets.streaming_text import BLOCK, StreamingText
from rm_local.tui.widgets.text_line import TextLine

BRANCH = TurnBranch(
    0,
    None,
    thinking="\n <<2*3=6>> so",
    text=" It is <<6+1=7>>.",
    thinking_forced=((8, 11),),
    text_forced=((13, 16),),
)


def dim_parts(content: Content) -> list[str]:
    """The texts in the style of what the calculator wrote."""
    spans = [span for span in content.spans if span.style == formatting.FORCED]
    return [content.plain[span.start : span.end] for span in spans]


def test_spans_are_dim_and_the_text_is_whole() -> None:
    """Spans beyond the text, or that overlap, lose nothing of it."""
    content = formatting.sanitize_and_dim_spans(
        "ab=12>> c=3>>", [(-4, 0), (3, 7), (5, 7), (10, 99)], "bold"
    )

    assert content.plain == "ab=12>> c=3>>"
    assert dim_parts(content) == ["12>>", "3>>"]


def test_the_reader_shows_it_dim() -> None:
    """In the thinking and in the answer, without the blanks around them."""
    content = reader.format_branch(BRANCH)

    assert content.plain == "Thinking\n<<2*3=6>> so\n\nAnswer\nIt is <<6+1=7>>."
    assert dim_parts(content) == ["6>>", "7>>"]


class Pane(App[None]):
    """An app of nothing but a streamed text."""

    def compose(self) -> ComposeResult:
        yield StreamingText()


async def test_a_pane_shows_it_dim_also_after_a_closed_block() -> None:
    """Long texts are drawn in blocks; the places are counted from the text's beginning."""
    long = "word " * (BLOCK // 5)
    text = f"  <<1+1=2>> {long}<<2+2=4>>"
    places = [(text.index(each), text.index(each) + 3) for each in ("2>>", "4>>")]
    app = Pane()
    async with app.run_test() as pilot:
        streamed = app.query_one(StreamingText)
        streamed.show_text("", text, (), places)
        await pilot.pause()

        contents = [line._shown for line in streamed.query(TextLine)]

    assert len(contents) == 2
    assert [part for content in contents for part in dim_parts(content)] == ["2>>", "4>>"]
