"""How a sharp image becomes blurred: kernels, camera shake, the blur operator and its adjoint, noise."""

from deblurlib.blur.camera_shake import camera_shake, trajectory
from deblurlib.blur.kernel_files import load_kernel, save_kernel
from deblurlib.blur.kernels import delta, disk, gaussian, linear_motion
from deblurlib.blur.noise import add_noise
from deblurlib.blur.operator import BOUNDARIES, Blur, transfer_function

__all__ = [
    "BOUNDARIES",
    "Blur",
    "add_noise",
    "camera_shake",
    "delta",
    "disk",
    "gaussian",
    "linear_motion",
    "load_kernel",
    "save_kernel",
    "trajectory",
    "transfer_function",
]
