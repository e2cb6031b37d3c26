"""Buttons that open a chapter elsewhere: they appear once ``repository: url:`` in _config.yml holds an address.

Sphinx Book Theme can draw such buttons itself, but needs one more address for each, knows Colab for GitHub only by a
warning, and has no JupyterHub button for readers whose hub the book cannot know. So the four links are made here, from
the one address. As long as it is empty there is no button, and none points nowhere.
"""

from urllib.parse import quote, urlencode, urlsplit

from sphinx.application import Sphinx
from sphinx.config import Config


def launch_links(repository: str, branch: str, path: str, hub: str = "") -> list[dict[str, str]]:
    """Name and address of each place that can open the notebook at ``path`` of ``repository``.

    Colab reads from GitHub only. Without the address of a ``hub``, the JupyterHub button opens the link generator of
    nbgitpuller with the repository filled in, where readers name their own hub.
    """
    repository = repository.rstrip("/").removesuffix(".git")
    host, owner_and_name = urlsplit(repository).netloc, urlsplit(repository).path.strip("/")
    links = []
    if host == "github.com":
        colab = f"https://colab.research.google.com/github/{owner_and_name}/blob/{branch}/{quote(path)}"
        links.append(link("Colab", colab, "_static/images/logo_colab.png"))
        source = f"gh/{owner_and_name}"
    elif host == "gitlab.com":
        source = f"gl/{quote(owner_and_name, safe='')}"
    else:
        source = f"git/{quote(repository, safe='')}"
    binder = f"https://mybinder.org/v2/{source}/{branch}?" + urlencode({"urlpath": f"lab/tree/{path}"}, safe="/")
    links.append(link("Binder", binder, "_static/images/logo_binder.svg"))
    folder = owner_and_name.rpartition("/")[2]
    pull = {"repo": repository, "branch": branch}
    if hub:
        pull["urlpath"] = f"lab/tree/{folder}/{path}"
        jupyterhub = f"{hub.rstrip('/')}/hub/user-redirect/git-pull?" + urlencode(pull, safe="/")
    else:
        jupyterhub = "https://nbgitpuller.readthedocs.io/en/latest/link.html?" + urlencode(pull)
    links.append(link("JupyterHub", jupyterhub, "_static/images/logo_jupyterhub.svg"))
    return links


def link(name: str, url: str, icon: str) -> dict[str, str]:
    return {"type": "link", "text": name, "tooltip": f"Open this chapter in {name}", "icon": icon, "url": url}


def repository_buttons(app: Sphinx, config: Config) -> None:
    """The theme's own buttons to the repository and its issues, once there is a repository."""
    options = config.html_theme_options
    url = options.get("repository_url") or ""
    options["use_repository_button"] = options["use_issues_button"] = bool(url)
    if url and not any(name in url for name in ("github", "gitlab", "bitbucket")):
        options["repository_provider"] = (
            "gitlab"  # the theme wants a name that it knows: hosts of one's own are mostly GitLab
        )


def add_launch_buttons(app: Sphinx, pagename: str, template: str, context: dict, doctree: object) -> None:
    options = app.config.html_theme_options
    repository, source = options.get("repository_url"), context.get("page_source_suffix")
    if not repository or source != ".ipynb" or "header_buttons" not in context:
        return
    branch = options.get("repository_branch") or "main"
    buttons = launch_links(repository, branch, f"{pagename}.ipynb", app.config.book_jupyterhub)
    context["header_buttons"].append(
        {
            "type": "group",
            "tooltip": "Open this chapter elsewhere",
            "icon": "fas fa-rocket",
            "buttons": buttons,
            "label": "launch-buttons",
        }
    )


def setup(app: Sphinx) -> dict[str, object]:
    app.add_config_value("book_jupyterhub", "", "html", str)
    app.connect("config-inited", repository_buttons)
    app.connect("html-page-context", add_launch_buttons, priority=501)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
