"""The commands: deblur, estimate-kernel, blur, score, benchmark, train, doctor."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deblurlib.cli.endings import INTERRUPTED, Commands, between_steps

if TYPE_CHECKING:  # torch comes in when a command runs: `deblurlib --help` does not wait for it
    from deblurlib.training import TrainingConfig

SIZES = {"camera_shake": 31, "linear_motion": 15, "gaussian": 13, "disk": 7}
"""Kinds of blur, and the size that each has unless it is given."""

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

KernelSize = Annotated[
    int | None, typer.Option(help="For blind methods: odd, a little larger than the blur, in pixels; else a guess.")
]
WindowSide = Annotated[
    int | None,
    typer.Option(help="For blind methods: see the kernel in the best window of this side; 0 is the whole photograph."),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")]


def _print_version(asked: bool) -> None:
    if asked:
        from deblurlib import __version__

        typer.echo(f"deblurlib {__version__}")
        raise typer.Exit


@app.callback()
def _about(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Deblur photographs, blur them, judge restorations, and train networks. Everything works offline."""


@app.command()
def deblur(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO", help="Blurred photographs.")],
    out: Annotated[str, typer.Option("--out", "-o", help="The file to write; for several photographs, a folder.")],
    method: Annotated[
        str,
        typer.Option(
            help="pretrained (the generator that ships), the path of a trained one (.safetensors), "
            "a blind method such as dark_channel or l0_gradient, "
            "or, with --kernel, one that is told the blur, such as wiener or hyper_laplacian."
        ),
    ] = "pretrained",
    kernel: Annotated[Path | None, typer.Option(help="An image of the kernel, for the methods that need it.")] = None,
    noise: Annotated[
        float | None, typer.Option(help="Standard deviation of the noise, 1 is white; with --kernel.")
    ] = None,
    kernel_size: KernelSize = None,
    window: WindowSide = None,
    force: Force = False,
) -> None:
    """Deblur photographs."""
    from tqdm import tqdm

    from deblurlib import images
    from deblurlib.cli import targets
    from deblurlib.cli.methods import restorer

    files = targets.for_photographs(photos, out, force=force)
    restore = restorer(method, kernel, noise, kernel_size=kernel_size, window=window)
    if len(photos) > 1:
        for photo in photos:  # before the first one is written, all must be readable
            images.load(photo)
    pairs = list(zip(photos, files, strict=True))
    for photo, target in tqdm(pairs, unit="photo", disable=None if len(photos) > 1 else True):
        sharp = restore(images.load(photo))
        target.parent.mkdir(exist_ok=True)
        images.save(target, sharp, overwrite=force, bits=targets.bits(photo, target))
    typer.echo(f"{len(photos)} photographs deblurred into {out}." if len(photos) > 1 else f"Wrote {files[0]}.")


@app.command()
def estimate_kernel(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="A blurred photograph.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The image of the kernel: .png, .tif.")],
    method: Annotated[str, typer.Option(help="A blind method, such as dark_channel or l0_gradient.")] = "dark_channel",
    kernel_size: KernelSize = None,
    window: WindowSide = None,
    force: Force = False,
) -> None:
    """Estimate the blur kernel of a photograph."""
    from deblurlib import blur, images
    from deblurlib.cli import blindly
    from deblurlib.files import check_output

    check_output(out, overwrite=force)
    if out.suffix.lower() not in blur.kernel_files.SUFFIXES:
        raise ValueError(f"{out}: a kernel is kept as {', '.join(blur.kernel_files.SUFFIXES)}.")
    found = blindly.estimate(images.load(photo), method, kernel_size, window)
    blur.save_kernel(out, found.kernel, overwrite=force)
    typer.echo(f"Wrote {out}.")


@app.command()
def blur(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="A sharp photograph.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")],
    kind: Annotated[str, typer.Option(help=f"Of blur: {', '.join(SIZES)}.")] = "camera_shake",
    size: Annotated[
        int | None,
        typer.Option(
            help="In pixels: side of the kernel (camera_shake, gaussian), length (linear_motion), diameter (disk)."
        ),
    ] = None,
    angle: Annotated[float, typer.Option(help="Of linear_motion, in degrees from the horizontal.")] = 30.0,
    noise: Annotated[float, typer.Option(help="Standard deviation of the noise to add, 1 is white.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the shake and of the noise.")] = 0,
    save_kernel: Annotated[Path | None, typer.Option(help="Also write an image of the kernel.")] = None,
    force: Force = False,
) -> None:
    """Blur a photograph: with a kernel, and noise."""
    from deblurlib import blur, contracts, images, profile
    from deblurlib.cli import targets
    from deblurlib.files import check_output

    contracts.choice(kind, "kind", list(SIZES))
    size = SIZES[kind] if size is None else size
    targets.check_target(out, force=force)
    if save_kernel:
        check_output(save_kernel, overwrite=force)
        if save_kernel.suffix.lower() not in blur.kernel_files.SUFFIXES:
            raise ValueError(f"{save_kernel}: a kernel is kept as {', '.join(blur.kernel_files.SUFFIXES)}.")
        if save_kernel.resolve() == out.resolve():
            raise ValueError(f"{out}: the photograph and the kernel need a file each.")
    x, generator = images.load(photo), profile.seed(seed)
    if size > min(x.shape[-2:]):
        raise ValueError(f"size: {size} pixels are more than the photograph has, {x.shape[-2]}x{x.shape[-1]}.")
    kernel = {
        "camera_shake": lambda: blur.camera_shake(1, size, generator=generator),
        "linear_motion": lambda: blur.linear_motion(size, angle),
        "gaussian": lambda: blur.gaussian(size, size / 6),
        "disk": lambda: blur.disk(size / 2),
    }[kind]()
    blurred = blur.add_noise(blur.Blur(kernel, "reflect")(x), noise, generator=generator)
    if save_kernel:
        blur.save_kernel(save_kernel, kernel, overwrite=force)
    images.save(out, blurred, overwrite=force, bits=targets.bits(photo, out))
    typer.echo(f"Wrote {out}." if save_kernel is None else f"Wrote {out} and {save_kernel}.")


@app.command()
def score(
    restored: Annotated[Path, typer.Argument(metavar="RESTORED", help="A restored photograph, or a folder of them.")],
    reference: Annotated[
        Path, typer.Argument(metavar="REFERENCE", help="The true sharp one, of the same size, or a folder of these.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON; what is infinite or cannot be computed is null.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a line for each photograph.")] = False,
    align: Annotated[
        float | None,
        typer.Option(help="Shift the restoration into place first, by at most so many pixels; leaves out a rim."),
    ] = None,
) -> None:
    """Judge restorations against the true sharp photographs, by every metric."""
    from deblurlib.cli import judging

    if as_json and as_csv:
        raise ValueError("--json and --csv: choose one of them.")
    form = "json" if as_json else "csv" if as_csv else "table"
    typer.echo(judging.judge(restored, reference, max_shift=align, form=form))


@app.command()
def train(
    config: Annotated[
        Path | None, typer.Option(help="Settings: a TOML or JSON file, or the name of a recipe that ships.")
    ] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a setting; may be repeated.")
    ] = None,
    start: Annotated[
        Path | None, typer.Option(help="Begin with the generator of this run, or of this .safetensors file.")
    ] = None,
    photographs: Annotated[
        Path | None, typer.Option(help="A folder of sharp photographs; else the bundled ones.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="camera_shake (made on the way), or real blur: gopro, pairs, unpaired, in --photographs."),
    ] = None,
    skip: Annotated[bool, typer.Option("--skip", help="Leave out photographs that cannot be read.")] = False,
    steps: Annotated[int | None, typer.Option(help="Updates of the generator.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The run's folder; else runs/ and the system.")
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder.")] = None,
    devices: Annotated[
        int, typer.Option(help="Processes on this machine, one a device, each with batches of the settings' size.")
    ] = 1,
    nodes: Annotated[int, typer.Option(help="Machines; the same command is run on each, as torchrun has it.")] = 1,
    samples: Annotated[int, typer.Option(help="Held-out crops to keep restored whenever the run is scored.")] = 4,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write for TensorBoard, too.")] = False,
) -> None:
    """Train a generator, or go on training one, and score it on photographs that it never saw."""
    from deblurlib import networks, training

    changes: dict[str, Any] = {"steps": steps, "data": data, "skip_unreadable": skip or None}
    if change is not None:
        changes |= {"set": change}
    settings, folder = _settings(config, photographs, changes, out, resume)
    weights = start / "generator.safetensors" if start is not None and start.is_dir() else start
    examination = training.held_out(config=settings)
    devices, nodes = training.parallel.asked(devices, nodes)
    fabric = training.launch(devices, nodes, device=settings.device) if (devices, nodes) != (1, 1) else None
    try:
        with between_steps(training.Processes(fabric).any) as stop_if_asked:
            run = training.fit(
                *(settings, folder),
                start=None if weights is None else networks.load_weights(weights),
                examination=examination,
                samples=samples,
                callback=stop_if_asked,
                fabric=fabric,
                tensorboard=tensorboard,
            )
    except KeyboardInterrupt:
        if fabric is None or fabric.is_global_zero:
            several = f" --devices {devices} --nodes {nodes}" if fabric else ""
            again = f"deblurlib train --resume {folder}{several}"
            typer.echo(f"Stopped. This goes on where the last checkpoint is: {again}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if fabric is not None and not fabric.is_global_zero:
        return
    gain = examination.gain(run.generator)
    typer.echo(
        f"Held out: {gain.mean():+.2f} dB over the blurred input ({len(gain)} crops from {gain.min():+.2f} "
        f"to {gain.max():+.2f} dB), SSIM {examination.ssim_gain(run.generator).mean():+.3f}."
    )
    weights = folder / "generator.safetensors"
    if getattr(run.generator, "needs_kernel", False):
        kind = type(run.generator.network).__name__
        typer.echo(f"Use it: deblurlib.networks.load_known_kernel('{weights}', deblurlib.networks.{kind})")
    elif settings.system == "motion_field":
        typer.echo(f"Use it: deblurlib.networks.load_motion_classifier('{weights}'), for deblurlib.blind.motion_field")
    else:
        typer.echo(f"Use it: deblurlib deblur PHOTO -o OUT --method {weights}")


@app.command()
def doctor() -> None:
    """Say what this machine has, which scale was chosen, and what that skips."""
    from deblurlib import profile

    typer.echo(str(profile.doctor()))


def _settings(
    config: Path | None, photographs: Path | None, changes: dict[str, Any], out: Path | None, resume: Path | None
) -> "tuple[TrainingConfig, Path]":
    from deblurlib import training

    if resume is not None:
        given = {"--config": config, "--photographs": photographs, "--out": out}
        given |= {"--skip" if name == "skip_unreadable" else f"--{name}": value for name, value in changes.items()}
        extra = [name for name, value in given.items() if value is not None]
        if extra:
            raise ValueError(f"--resume takes the settings from the run's folder; leave out {', '.join(extra)}.")
        if not (resume / "config.json").is_file():
            raise FileNotFoundError(f"{resume} is not the folder of a run: it has no config.json.")
        return training.read_config(resume / "config.json"), resume
    for text in changes.pop("set", []):
        changes |= training.read_setting(text)
    changes = {name: value for name, value in changes.items() if value is not None}
    settings = training.read_config(config) if config else training.recipe(changes.get("system", "regression"))
    if photographs is not None:
        changes["photographs"] = str(photographs.resolve())  # so that the run can go on from another folder
    settings = dataclasses.replace(settings, **changes)
    folder = out or Path("runs") / settings.system
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file, expected a folder for the run.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "config.json").is_file():
        raise ValueError(f"{folder} holds other files than those of a run; choose another folder.")
    return settings, folder


benchmark = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Run a benchmark of the field by its official protocol.",
)
app.add_typer(benchmark, name="benchmark")


@benchmark.callback()
def _about_benchmarks() -> None:
    pass


@benchmark.command()
def levin(
    data: Annotated[Path, typer.Option(help="The folder with the .mat files of Levin et al. (2009).")],
    methods: Annotated[
        str, typer.Option(help="Blind methods, with commas between them; all is every one.")
    ] = "l0_gradient,dark_channel",
    jobs: Annotated[int, typer.Option(help="Photographs at a time, each on one thread.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="A folder for levin.csv, levin.json and levin.png; a later run goes on there."
        ),
    ] = None,
    skip: Annotated[bool, typer.Option("--skip", help="Leave out files that do not belong or cannot be read.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a line for each photograph and method.")] = False,
) -> None:
    """Error ratios on the 32 photographs of Levin et al. (2009): kernel, sparse deconvolution, alignment, ratio."""
    import warnings

    from deblurlib import benchmarks, blind

    if as_json and as_csv:
        raise ValueError("--json and --csv: choose one of them.")
    if out is not None and out.exists() and not out.is_dir():
        raise ValueError(f"{out} is a file, expected a folder for the results.")
    names = list(blind.METHODS) if methods == "all" else [name.strip() for name in methods.split(",")]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            table = benchmarks.levin(data, names, out=out, jobs=jobs, skip=skip, progress=True)
        except KeyboardInterrupt:
            goes_on = f"The same command goes on with {out}." if out else "With --out it would go on where it stopped."
            typer.echo(f"Stopped. {goes_on}", err=True)
            raise typer.Exit(INTERRUPTED) from None
    for text in dict.fromkeys(str(warning.message) for warning in said):
        typer.echo(text, err=True)
    if as_json or as_csv:
        typer.echo((table.to_json() if as_json else table.to_csv()).rstrip("\n"))
    else:
        typer.echo(f"{table.per_photograph()}\n\n{table}\n\n{table.success_curve()}")


@benchmark.command()
def table(
    methods: Annotated[
        str | None,
        typer.Option(
            help="With commas between them: blurred, oracle, oracle:wiener, blind methods, generators by name or path; "
            "else all that the book compares."
        ),
    ] = None,
    metrics: Annotated[str, typer.Option(help="With commas between them; all is every one.")] = (
        "psnr,ssim,ms_ssim,ifc,vif,niqe"
    ),
    photographs: Annotated[
        Path | None, typer.Option(help="A folder of sharp photographs, blurred here; else the bundled ones.")
    ] = None,
    gopro: Annotated[Path | None, typer.Option(help="A folder of GoPro pairs, with blur and sharp in it.")] = None,
    levin: Annotated[Path | None, typer.Option(help="The folder with the .mat files of Levin et al. (2009).")] = None,
    count: Annotated[int | None, typer.Option(help="Photographs to take from the folder.")] = None,
    crops: Annotated[int | None, typer.Option(help="Of each photograph that is blurred here.")] = None,
    side: Annotated[int, typer.Option(help="Of a crop, pixels.")] = 256,
    length: Annotated[float, typer.Option(help="Of the camera's path, pixels.")] = 15.0,
    noise: Annotated[float, typer.Option(help="Standard deviation, 1 is white.")] = 0.01,
    seed: Annotated[int, typer.Option(help="Of crops, shakes and noise.")] = 0,
    align: Annotated[bool, typer.Option(help="Print scores of restorations that are shifted into place first.")] = True,
    jobs: Annotated[int, typer.Option(help="Restorations at a time, each on one thread.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="A folder for the tables, restorations, sheet.png; a later run goes on there."
        ),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text, markdown, latex, csv or json.")] = "text",
    skip: Annotated[bool, typer.Option("--skip", help="Leave out files of --levin that do not belong.")] = False,
) -> None:
    """Compare methods over a set of pictures by any metrics, with confidence intervals."""
    from deblurlib.cli import comparing

    chosen = comparing.pictures(
        photographs, gopro, levin,
        count=count, crops=crops, side=side, length=length, noise=noise, seed=seed, skip=skip,
    )  # fmt: skip
    try:
        text = comparing.compare(chosen, methods, metrics, out=out, jobs=jobs, aligned=align, form=form)
    except KeyboardInterrupt:
        goes_on = f"The same command goes on with {out}." if out else "With --out it would go on where it stopped."
        typer.echo(f"Stopped. {goes_on}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(text)
