"""How a sharp image becomes blurred: kernels, camera shake, blur operators and their adjoints, noise and sensor."""

from deblurlib.blur.camera_shake import camera_shake, trajectory
from deblurlib.blur.kernel_files import load_kernel, save_kernel
from deblurlib.blur.kernels import delta, disk, gaussian, linear_motion
from deblurlib.blur.motions import motion_kernels
from deblurlib.blur.noise import add_noise
from deblurlib.blur.operator import BOUNDARIES, Blur, transfer_function
from deblurlib.blur.rotation import RotationBlur
from deblurlib.blur.sensor import add_sensor_noise, expose, from_linear, saturate, to_linear
from deblurlib.blur.spatially_varying import FilterFlow, average_frames, local_kernels, smooth_windows

__all__ = [
    "BOUNDARIES",
    "Blur",
    "FilterFlow",
    "RotationBlur",
    "add_noise",
    "add_sensor_noise",
    "average_frames",
    "camera_shake",
    "delta",
    "disk",
    "expose",
    "from_linear",
    "gaussian",
    "linear_motion",
    "load_kernel",
    "local_kernels",
    "motion_kernels",
    "saturate",
    "save_kernel",
    "smooth_windows",
    "to_linear",
    "trajectory",
    "transfer_function",
]
