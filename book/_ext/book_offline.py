"""Keep the built book on the reader's own disk: no page asks another host for anything."""

from sphinx.application import Sphinx


def drop_thebe(app: Sphinx, pagename: str, template: str, context: dict, doctree: object) -> None:
    """Jupyter Book always loads sphinx-thebe, which fetches its script from a CDN and declares its constants twice."""

    def is_thebe(item: object) -> bool:
        body = getattr(item, "attributes", {}).get("body") or ""
        return "thebe" in f"{getattr(item, 'filename', item)} {body}".lower()

    for kind in ("script_files", "css_files"):
        context[kind] = [item for item in context.get(kind, []) if not is_thebe(item)]


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("html-page-context", drop_thebe, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
