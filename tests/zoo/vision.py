"""torchvision and timm: image models, as their libraries build them by name."""

from __future__ import annotations

import timm
import torchvision

from tests.zoo.entry import Entry, floats

TORCHVISION = """convnext_tiny densenet121 efficientnet_b3 efficientnet_v2_s googlenet inception_v3
maxvit_t mnasnet0_75 mobilenet_v2 mobilenet_v3_large regnet_x_400mf regnet_y_400mf resnet18
resnet34 resnet50 shufflenet_v2_x0_5 swin_v2_s vgg11_bn vit_b_32 wide_resnet50_2""".split()

TIMM = """botnet26t_256 cait_xxs24_224 convmixer_768_32 convnext_atto convnextv2_atto
crossvit_9_240 deit3_small_patch16_224 dla34 dm_nfnet_f0 efficientformerv2_s0 efficientvit_m0
fastvit_t8 fbnetc_100 focalnet_tiny_srf gcvit_xxtiny hardcorenas_a hrnet_w18_small lcnet_050
levit_128s mixer_s32_224 mixnet_s mobilenetv3_small_050 mobileone_s0 mobilevitv2_050 mvitv2_tiny
nest_tiny pit_ti_224 repvit_m1 resmlp_12_224 resnest14d resnetv2_50 semnasnet_075 shvit_s1
starnet_s1 swin_tiny_patch4_window7_224 tf_efficientnet_lite0 tnt_s_patch16_224 twins_svt_small
vgg11 visformer_tiny volo_d1_224 xcit_nano_12_p16_224""".split()


def _torchvision(name: str) -> Entry:
    # These two draw their weights anew for minutes unless they are told not to.
    slow = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    size = 299 if name == "inception_v3" else 224
    return Entry(
        lambda: torchvision.models.get_model(name, weights=None, **slow),
        floats(x=(2, 3, size, size)),
        {"x": (0,)},
    )


def _timm(name: str) -> Entry:
    config = timm.models.get_pretrained_cfg(name)
    size = config.input_size[-1] if config else 224
    return Entry(
        lambda: timm.create_model(name, pretrained=False),
        floats(x=(2, 3, size, size)),
        {"x": (0,)},
    )


ENTRIES = {
    **{f"tv/{name}": _torchvision(name) for name in TORCHVISION},
    **{f"timm/{name}": _timm(name) for name in TIMM},
}
