"""Undoing a blur whose kernel is not known."""

from deblurlib.blind.agreement import AgreementSettings
from deblurlib.blind.coarse_to_fine import Pyramid, Round, Scale
from deblurlib.blind.dark_channel import DarkChannelSettings
from deblurlib.blind.estimate import METHODS, Estimate, Estimator, Method, Restoration, deblur, estimate
from deblurlib.blind.face_exemplar import FaceExemplarSettings
from deblurlib.blind.fast_edges import FastEdgesSettings
from deblurlib.blind.framelet import FrameletSettings
from deblurlib.blind.gradient_mixture import Mixture
from deblurlib.blind.kernel_posterior import KernelPrior
from deblurlib.blind.l0_gradient import L0GradientSettings
from deblurlib.blind.low_rank import LowRankSettings
from deblurlib.blind.marginal_em import MarginalEMSettings
from deblurlib.blind.motion_field import MotionField, MotionFieldSettings, motion_field
from deblurlib.blind.normalized_sparsity import NormalizedSparsitySettings
from deblurlib.blind.patch_recurrence import PatchRecurrenceSettings
from deblurlib.blind.size_hint import kernel_size_hint
from deblurlib.blind.sparse_coding import SparseCodingSettings
from deblurlib.blind.total_variation import SteadyPyramid, TotalVariationSettings
from deblurlib.blind.two_phase import TwoPhaseSettings
from deblurlib.blind.variational_bayes import VariationalBayesSettings
from deblurlib.blind.window import Window, choose_window

__all__ = [
    "METHODS",
    "AgreementSettings",
    "DarkChannelSettings",
    "Estimate",
    "Estimator",
    "FaceExemplarSettings",
    "FastEdgesSettings",
    "FrameletSettings",
    "KernelPrior",
    "L0GradientSettings",
    "LowRankSettings",
    "MarginalEMSettings",
    "Method",
    "Mixture",
    "MotionField",
    "MotionFieldSettings",
    "NormalizedSparsitySettings",
    "PatchRecurrenceSettings",
    "Pyramid",
    "Restoration",
    "Round",
    "Scale",
    "SparseCodingSettings",
    "SteadyPyramid",
    "TotalVariationSettings",
    "TwoPhaseSettings",
    "VariationalBayesSettings",
    "Window",
    "choose_window",
    "deblur",
    "estimate",
    "kernel_size_hint",
    "motion_field",
]
