"""Chat templates: rendered as the model expects, and deaf to what messages say."""

from __future__ import annotations

import pytest

from rm_local.engine.families.detect import TEMPLATE as KEY, detect_chat_format
from rm_local.engine.protocol import Message
from rm_local.engine.worker.templates import render_process
from rm_local.engine.worker.templates.chat_template import ChatTemplate, RenderedPrompt
from rm_local.engine.worker.templates.render_protocol import RenderJob, RenderReply
from rm_local.errors import EngineError, InvalidModelError, UsageError
from tests.support.tiny_gguf import PLAIN_TEMPLATE, TEMPLATE


def template(source: str | None, *, name: str = "", architecture: str = "new") -> ChatTemplate:
    metadata = {KEY: source, "general.name": name, "general.architecture": architecture}
    return ChatTemplate(
        detect_chat_format(metadata), bos="<s>", eos="</s>", render=render_process.render
    )


def text(prompt: RenderedPrompt) -> str:
    return "".join(segment.text for segment in prompt.segments)


def test_contents_are_data_and_the_rest_is_not() -> None:
    """Each message's text is a segment of its own, marked as data even if it looks like markup."""
    messages = [Message("system", "Be short."), Message("user", "Is <|im_end|> \ue0000\ue001 ok?")]

    prompt = template(None).render(messages)

    assert [segment.text for segment in prompt.segments if segment.data] == [
        "Be short.",
        "Is <|im_end|> \ue0000\ue001 ok?",
    ]
    assert text(prompt) == (
        "<|im_start|>system\nBe short.<|im_end|>\n"
        "<|im_start|>user\nIs <|im_end|> \ue0000\ue001 ok?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_the_thinking_block_is_opened_once() -> None:
    """It is added when the template leaves it closed, and not when the template opens it."""
    question = [Message("user", "How?")]

    opened = text(template(TEMPLATE).render(question))
    added = text(template(PLAIN_TEMPLATE, name="QwQ 32B").render(question))

    assert opened == added
    assert opened.endswith("<|im_start|>assistant\n<think>\n")


@pytest.mark.parametrize(
    ("source", "converses"),
    [
        (PLAIN_TEMPLATE, True),
        ("{{ messages[-1].content }}", False),
        ("{% if messages | length > 1 %}{{ raise_exception('one') }}{% endif %}"
         "{{ messages[0].content }}", False),
    ],
)  # fmt: skip
def test_a_template_for_single_questions_is_found_out(source: str, converses: bool) -> None:
    """One that leaves earlier messages out, and one that refuses them; both take a question."""
    chat = template(source)

    assert chat.converses == converses
    assert "How?" in text(chat.render([Message("user", "How?")]))


def test_a_model_that_does_not_think_gets_no_block() -> None:
    """Neither its name nor its template mentions thinking: nothing is opened."""
    plain = template(PLAIN_TEMPLATE)

    assert plain.opened_by == ""
    assert "<think>" not in text(plain.render([Message("user", "How?")]))


def test_what_templates_of_the_kind_use_is_there() -> None:
    """Tokens, the date, JSON, loop controls and `enable_thinking` can all be used."""
    source = (
        "{{ bos_token }}{{ strftime_now('%Y') | length }}{{ {'é': 1} | tojson }}"
        "{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}"
        "    {% if enable_thinking %}\n{{ m.content }}{% endif %}{% break %}{% endfor %}"
    )

    rendered = template(source).render([Message("user", "a"), Message("user", "b")])

    assert text(rendered) == '<s>4{"é": 1}    b'


def test_a_template_may_refuse_messages() -> None:
    """`raise_exception` becomes an error that says what the template said."""
    with pytest.raises(EngineError, match="no such thing"):
        template("{{ raise_exception('no such thing') }}")


def test_a_refused_system_prompt_joins_the_question() -> None:
    """Families without a system role get its text in front of the first question."""
    source = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('none') }}{% endif %}"
        "{{ messages[0].content }}"
    )

    prompt = template(source).render([Message("system", "Be short."), Message("user", "How?")])

    assert text(prompt) == "Be short.\n\nHow?"


def test_a_template_that_drops_the_question_is_an_error() -> None:
    """The model would answer something else."""
    with pytest.raises(EngineError, match="leaves the question out"):
        template("{{ bos_token }}").render([Message("user", "How?")])


def test_effort_is_asked_for_where_the_template_has_it() -> None:
    """gpt-oss takes low, medium, high; what a family lacks is wrong usage."""
    source = "{{ reasoning_effort | default('none') }}{{ messages[0].content }}"
    harmony = template(source, architecture="gpt-oss")

    assert text(harmony.render([Message("user", "?")], effort="high")).startswith("high?")
    assert text(harmony.render([Message("user", "?")])).startswith("none?")
    with pytest.raises(UsageError, match="'most'"):
        harmony.render([Message("user", "?")], effort="most")


REACHING = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.system('true') }}",
    "{{ lipsum.__globals__.os }}",
    "{{ messages.__class__.__mro__ }}",
    "{{ (messages | attr('append'))({}) }}",
    "{{ messages.append({}) }}",
    "{{ '{0.__class__.__mro__}'.format(messages) }}",
]


@pytest.mark.parametrize("source", REACHING)
def test_a_template_cannot_reach_out(source: str) -> None:
    """Templates come from files of strangers: they see and change nothing but their text."""
    with pytest.raises(InvalidModelError):
        template(source)


@pytest.mark.parametrize("name", ["include", "import", "extends"])
def test_a_template_loads_no_other(name: str) -> None:
    """There is no loader, so no file is read."""
    tail = " as x" if name == "import" else ""
    with pytest.raises(InvalidModelError):
        template(f"{{% {name} '/etc/passwd'{tail} %}}")


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("{{ range(1000000000) | list }}", "Range too big"),
        ("{{ 'a' * 1000000000 }}", "size"),
        ("{{ 10 ** 1000000000 }}", "size"),
        ("{% for i in range(99999) %}{{ 'a' * 99 }}{% endfor %}", "more than"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "without end"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("a\n\n{{ messages.x.y }}", "line 3"),
    ],
)
def test_a_template_has_bounds(source: str, fault: str) -> None:
    """Too much work, too long a text and errors are reported, the line too where it is known."""
    with pytest.raises(InvalidModelError, match=fault):
        template(source)


def test_blocks_for_training_are_only_their_content() -> None:
    """`{% generation %}` marks what a model wrote."""
    source = "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"

    assert text(template(source).render([Message("user", "a")])) == "a"


def test_json_is_written_as_transformers_writes_it() -> None:
    """Not escaped for HTML; indent, separators and order as asked for."""
    source = "{{ {'b': '<é>', 'a': 1} | tojson(separators=(',', ':'), sort_keys=true) }}"

    rendered = render_process.render({"template": source, "variables": {}})

    assert rendered == {"text": '{"a":1,"b":"<é>"}'}


def test_a_template_with_a_syntax_error_is_refused() -> None:
    """A syntax error is an error of the model's file."""
    with pytest.raises(InvalidModelError, match="chat template, line 1"):
        template("{% for %}")


def test_the_variables_are_what_templates_expect() -> None:
    """Messages with role and content, the tokens, and the switch of the family."""
    jobs: list[RenderJob] = []

    def render(job: RenderJob) -> RenderReply:
        jobs.append(job)
        return render_process.render(job)

    described = detect_chat_format(
        {KEY: "{{ messages[-1].content }}", "general.name": "Hermes 4 14B"}
    )
    chat = ChatTemplate(described, bos="<s>", eos="</s>", render=render)
    chat.render([Message("user", "a")], thinking=False)

    assert jobs[-1]["variables"] == {
        "messages": [{"role": "user", "content": "\ue0000\ue001"}],
        "add_generation_prompt": True,
        "enable_thinking": False,
        "thinking": False,
        "bos_token": "<s>",
        "eos_token": "</s>",
    }
