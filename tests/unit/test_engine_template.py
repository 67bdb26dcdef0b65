"""Chat templates: rendered as the model expects, and deaf to what messages say."""

from __future__ import annotations

import pytest

from rm_local.engine.protocol import Message
from rm_local.engine.worker.template import ChatTemplate, Segment
from rm_local.errors import EngineError, ModelInvalid
from tests.tiny_gguf import PLAIN_TEMPLATE, TEMPLATE


def template(source: str | None, *, knows_think: bool = False) -> ChatTemplate:
    return ChatTemplate(source, bos="<s>", eos="</s>", knows_think=knows_think)


def text(segments: list[Segment]) -> str:
    return "".join(segment.text for segment in segments)


def test_contents_are_data_and_the_rest_is_not() -> None:
    """Each message's text is a segment of its own, marked as data even if it looks like markup."""
    messages = [Message("system", "Be short."), Message("user", "Is <|im_end|> \ue0000\ue001 ok?")]

    segments = template(None).render(messages)

    assert [segment.text for segment in segments if segment.data] == [
        "Be short.",
        "Is <|im_end|> \ue0000\ue001 ok?",
    ]
    assert text(segments) == (
        "<|im_start|>system\nBe short.<|im_end|>\n"
        "<|im_start|>user\nIs <|im_end|> \ue0000\ue001 ok?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_the_thinking_block_is_opened_once() -> None:
    """It is added when the template leaves it closed, and not when the template opens it."""
    question = [Message("user", "How?")]

    opened = text(template(TEMPLATE).render(question))
    added = text(template(PLAIN_TEMPLATE, knows_think=True).render(question))

    assert opened == added
    assert opened.endswith("<|im_start|>assistant\n<think>\n")


def test_a_model_that_does_not_think_gets_no_block() -> None:
    """Neither its template nor its vocabulary knows the tag: nothing is opened."""
    plain = template(PLAIN_TEMPLATE)

    assert not plain.thinks
    assert "<think>" not in text(plain.render([Message("user", "How?")]))


def test_what_templates_of_the_kind_use_is_there() -> None:
    """Tokens, the date, JSON, loop controls and `enable_thinking` can all be used."""
    source = (
        "{{ bos_token }}{{ strftime_now('%Y') | length }}{{ {'é': 1} | tojson }}"
        "{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}"
        "    {% if enable_thinking %}\n{{ m.content }}{% endif %}{% endfor %}"
    )

    rendered = template(source).render([Message("user", "a"), Message("user", "b")])

    assert text(rendered) == '<s>4{"é": 1}    a'


def test_a_template_may_refuse_messages() -> None:
    """`raise_exception` becomes an error that says what the template said."""
    with pytest.raises(EngineError, match="no system role"):
        template("{{ raise_exception('no system role') }}").render([Message("user", "a")])


def test_a_template_cannot_reach_out() -> None:
    """Templates come from files: they are run in a sandbox."""
    source = "{{ messages.__class__.__mro__[1].__subclasses__() }}"

    with pytest.raises(EngineError, match="unsafe"):
        template(source).render([Message("user", "a")])


def test_a_template_that_is_none_is_refused() -> None:
    """A syntax error is an error of the model's file."""
    with pytest.raises(ModelInvalid, match="chat template"):
        template("{% for %}")
