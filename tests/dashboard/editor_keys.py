"""Hands on the policy editor: what a person does with the keyboard, for tests and pictures."""

from __future__ import annotations

from typing import Any


def find(page: Any, text: str) -> None:
    """Select the next place of a text, with the editor's own search."""
    page.locator(".cm-content").focus()
    page.keyboard.press("Control+f")
    field = page.locator(".cm-search [name=search]")
    field.fill("")
    field.press_sequentially(text)
    field.press("Enter")
    page.wait_for_selector(".cm-searchMatch-selected")
    field.press("Escape")


def replace(page: Any, old: str, new: str) -> None:
    """Type over the next place of a text."""
    find(page, old)
    page.keyboard.insert_text(new)


def paste(page: Any, text: str) -> None:
    """Paste at the caret, without a clipboard."""
    page.locator(".cm-content").evaluate(
        "(editor, text) => { const data = new DataTransfer(); data.setData('text/plain', text); editor.dispatchEvent("
        "new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})); }",
        text,
    )
