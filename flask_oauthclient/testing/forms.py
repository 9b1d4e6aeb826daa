"""HTML forms as a browser sees them: fields, buttons, and what would be sent."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from collections.abc import Sequence
from html.parser import HTMLParser

Data = list[tuple[str, str]]
Attributes = Mapping[str, str | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """A field of a form. ``on`` is false for a box that isn't ticked."""

    name: str
    value: str = dataclasses.field(repr=False)
    kind: str = "text"
    on: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Button:
    """A button that sends a form."""

    name: str | None
    value: str
    text: str

    def is_meant(self, answers: Mapping[str, str], press: Sequence[str]) -> bool:
        """Tell whether a scripted user would press it.

        :param answers: Names and the values chosen for them.
        :param press: Texts of buttons to press.
        :returns: Whether it is one of them.
        """
        chosen = self.name is not None and answers.get(self.name) == self.value
        return chosen or self.text in press


@dataclasses.dataclass(slots=True)
class Form:
    """A form of a page."""

    action: str
    method: str
    fields: list[Field] = dataclasses.field(default_factory=list[Field])
    buttons: list[Button] = dataclasses.field(default_factory=list[Button])

    def is_meant(self, answers: Mapping[str, str], press: Sequence[str] = ()) -> bool:
        """Tell whether a scripted user has something to fill in or to press here.

        :param answers: Names and the values chosen for them.
        :param press: Texts of buttons to press.
        :returns: Whether it is so; hidden fields don't count.
        """
        if any(button.is_meant(answers, press) for button in self.buttons):
            return True
        return any(field.name in answers and field.kind != "hidden" for field in self.fields)

    def data(self, answers: Mapping[str, str], press: Sequence[str] = ()) -> Data:
        """Fill the form in.

        :param answers: Names and the values chosen for them.
        :param press: Texts of buttons to press; the first button by default.
        :returns: Names and values in the order they are sent.
        """
        filled = [_answered(field, answers) for field in self.fields]
        sent = [(field.name, field.value) for field in filled if field.on]
        meant = [button for button in self.buttons if button.is_meant(answers, press)]
        pressed = next(iter(meant or self.buttons), None)
        if pressed is not None and pressed.name is not None:
            sent.append((pressed.name, pressed.value))
        return sent


def _answered(field: Field, answers: Mapping[str, str]) -> Field:
    answer = answers.get(field.name)
    if answer is None or field.kind == "hidden":
        return field
    if field.kind in ("checkbox", "radio"):
        return dataclasses.replace(field, on=answer == field.value)
    return dataclasses.replace(field, value=answer, on=True)


def parse_forms(html: str) -> list[Form]:
    """Find the forms of a page.

    :param html: The page.
    :returns: Its forms in order.
    """
    parser = _Parser()
    parser.feed(html)
    parser.close()
    return parser.forms


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._button: Attributes | None = None
        self._area: Attributes | None = None
        self._text: list[str] = []
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            method = (attributes.get("method") or "get").upper()
            self._form = Form(attributes.get("action") or "", method)
            self.forms.append(self._form)
        elif self._form is not None:
            self._start_control(self._form, tag, attributes)

    def _start_control(self, form: Form, tag: str, attributes: Attributes) -> None:
        if tag == "input":
            _add_input(form, attributes)
        elif tag == "button" and (attributes.get("type") or "submit") == "submit":
            self._button, self._text = attributes, []
        elif tag == "textarea":
            self._area, self._text = attributes, []
        elif tag == "select":
            self._select, self._options = attributes.get("name"), []
        elif tag == "option":
            self._options.append((attributes.get("value") or "", "selected" in attributes))

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if self._form is None:
            return
        if tag == "button" and self._button is not None:
            self._end_button(self._form, self._button)
        elif tag == "select" and self._select is not None:
            self._end_select(self._form, self._select)
        elif tag == "textarea" and self._area is not None:
            self._end_area(self._form, self._area)
        elif tag == "form":
            self._form = None

    def _end_select(self, form: Form, name: str) -> None:
        chosen = [value for value, selected in self._options if selected]
        values = chosen or [value for value, _ in self._options]
        form.fields.extend(Field(name, value, "select") for value in values[:1])
        self._select = None

    def _end_area(self, form: Form, attributes: Attributes) -> None:
        form.fields.append(Field(attributes.get("name") or "", "".join(self._text)))
        self._area = None

    def _end_button(self, form: Form, attributes: Attributes) -> None:
        text = " ".join("".join(self._text).split())
        form.buttons.append(Button(attributes.get("name"), attributes.get("value") or "", text))
        self._button = None


def _add_input(form: Form, attributes: Attributes) -> None:
    kind = (attributes.get("type") or "text").lower()
    name, value = attributes.get("name"), attributes.get("value")
    if kind in ("submit", "image"):
        form.buttons.append(Button(name, value or "", value or "Submit"))
    elif name and kind in ("checkbox", "radio"):
        form.fields.append(Field(name, value or "on", kind, "checked" in attributes))
    elif name and kind not in ("button", "reset", "file"):
        form.fields.append(Field(name, value or "", kind))
