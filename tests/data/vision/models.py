"""The models of torchvision and timm, and the layers of torch, whose tensors and laws are recorded."""

import functools
import math

import timm
import torch
import torchvision
from torch import nn

# The forty of docs/recipes.md.
TORCHVISION = [
    "alexnet", "vgg11_bn", "resnet18", "resnext50_32x4d", "densenet121", "squeezenet1_0", "googlenet", "inception_v3",
    "mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2_x1_0", "mnasnet1_0", "efficientnet_b0", "efficientnet_v2_s",
    "regnet_y_400mf", "convnext_tiny", "vit_b_16", "swin_t", "swin_v2_t", "maxvit_t",
]
TIMM = [
    "vit_tiny_patch16_224", "deit_tiny_distilled_patch16_224", "beit_base_patch16_224", "cait_xxs24_224",
    "convnextv2_atto", "mixer_s32_224", "gmlp_ti16_224", "resmlp_12_224", "coat_tiny", "crossvit_tiny_240",
    "levit_128s", "poolformer_s12", "eva02_tiny_patch14_224", "vit_base_patch16_siglip_224", "xcit_nano_12_p16_224",
    "hrnet_w18_small", "eca_nfnet_l0", "edgenext_xx_small", "mobilevit_xxs", "fastvit_t8",
]
# More of timm, to see whether what serves the forty serves others.
OTHERS = [
    "tresnet_m", "swinv2_tiny_window8_256", "regnetz_b16", "maxvit_rmlp_pico_rw_256", "davit_tiny", "volo_d1_224",
    "mambaout_femto", "hiera_tiny_224", "tiny_vit_5m_224", "nest_tiny", "twins_svt_small", "pit_ti_224",
    "tnt_s_legacy_patch16_224", "sequencer2d_s", "convmixer_768_32", "visformer_tiny", "efficientvit_b0", "pvt_v2_b0",
    "focalnet_tiny_srf", "repvit_m0_9", "res2net50_26w_4s", "inception_next_atto",
]


def of_torchvision(name):
    weightless = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    return torchvision.models.get_model(name, weights=None, **weightless)


def layers():
    """{name: how it is made} of torch's layers and small models of them."""
    transformer = {"d_model": 32, "nhead": 4, "dim_feedforward": 64, "batch_first": True}
    encoder = functools.partial(nn.TransformerEncoderLayer, **transformer)
    decoder = functools.partial(nn.TransformerDecoderLayer, **transformer)
    return {
        "lstm": lambda: nn.LSTM(10, 20),
        "lstm_deep_both_ways": lambda: nn.LSTM(10, 20, num_layers=2, bidirectional=True),
        "lstm_projected": lambda: nn.LSTM(10, 20, num_layers=2, proj_size=5),
        "lstm_without_bias": lambda: nn.LSTM(10, 20, bias=False),
        "lstm_square": lambda: nn.LSTM(20, 20, num_layers=2),
        "lstm_narrow": lambda: nn.LSTM(1, 4),
        "gru": lambda: nn.GRU(10, 20, num_layers=2, bidirectional=True),
        "gru_square": lambda: nn.GRU(20, 20),
        "rnn": lambda: nn.RNN(10, 20, num_layers=2, bidirectional=True),
        "lstm_cell": lambda: nn.LSTMCell(10, 20),
        "gru_cell": lambda: nn.GRUCell(10, 20),
        "rnn_cell": lambda: nn.RNNCell(10, 20),
        "tagger": lambda: nn.ModuleDict({"embedding": nn.Embedding(50, 10), "lstm": nn.LSTM(10, 20, bidirectional=True),
            "fc": nn.Linear(40, 7)}),
        "attention": lambda: nn.MultiheadAttention(32, 4),
        "attention_other_widths": lambda: nn.MultiheadAttention(32, 4, kdim=24, vdim=16),
        "attention_with_rows": lambda: nn.MultiheadAttention(32, 4, add_bias_kv=True, add_zero_attn=True),
        "attention_without_bias": lambda: nn.MultiheadAttention(32, 4, bias=False),
        "transformer": lambda: nn.Transformer(32, 4, 2, 2, 64, batch_first=True),
        "transformer_encoder": lambda: nn.TransformerEncoder(encoder(), 2, enable_nested_tensor=False),
        "transformer_decoder": lambda: nn.TransformerDecoder(decoder(), 2),
        "bilinear": lambda: nn.Bilinear(6, 10, 4),
        "bilinear_in_model": lambda: nn.Sequential(nn.Linear(8, 6), nn.Bilinear(6, 10, 4), nn.Linear(4, 2)),
        "embedding": lambda: nn.Embedding(50, 16),
        "embedding_bag": lambda: nn.EmbeddingBag(50, 16),
        "embedding_bag_in_model": lambda: nn.ModuleDict({"embedding": nn.EmbeddingBag(50, 16), "fc": nn.Linear(16, 4)}),
        "transposed": lambda: nn.Sequential(nn.ConvTranspose2d(8, 16, 3, groups=4), nn.ConvTranspose1d(16, 6, 4),
            nn.ConvTranspose3d(6, 6, 2, groups=6), nn.ConvTranspose2d(6, 6, 3, bias=False)),
        "unet": lambda: nn.ModuleDict({"down": nn.Conv2d(3, 16, 3), "bn": nn.BatchNorm2d(16),
            "up": nn.ConvTranspose2d(16, 8, 2, stride=2), "out": nn.Conv2d(8, 2, 1)}),
        "convolutions": lambda: nn.Sequential(nn.Conv1d(8, 16, 5, groups=2), nn.Conv2d(16, 16, 3, groups=16),
            nn.Conv3d(16, 4, 2), nn.Conv2d(4, 4, 1, bias=False)),
        "norms": lambda: nn.Sequential(nn.BatchNorm1d(8), nn.GroupNorm(2, 8), nn.LayerNorm(8), nn.LayerNorm((4, 8)),
            nn.RMSNorm(8), nn.InstanceNorm2d(8, affine=True, track_running_stats=True), nn.BatchNorm2d(8, affine=False),
            nn.BatchNorm2d(8, track_running_stats=False), nn.SyncBatchNorm(8)),
        "perceptron": lambda: nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 5)),
        "perceptron_square": lambda: nn.Sequential(nn.Linear(16, 16), nn.PReLU(), nn.Linear(16, 16), nn.PReLU(16),
            nn.Linear(16, 1)),
        "perceptron_with_norms": lambda: nn.Sequential(nn.Linear(10, 20), nn.BatchNorm1d(20), nn.Linear(20, 20),
            nn.LayerNorm(20), nn.Linear(20, 5)),
        **tutorials(),
    }


def tutorials():
    """{name: how it is made} of models as pytorch.org's tutorials have them."""

    def generator():
        pairs = [(100, 512), (512, 256), (256, 128), (128, 64)]
        layers = [(nn.ConvTranspose2d(n, m, 4, bias=False), nn.BatchNorm2d(m), nn.ReLU()) for n, m in pairs]
        return nn.Sequential(*sum(layers, ()), nn.ConvTranspose2d(64, 3, 4, bias=False))

    encoder = functools.partial(nn.TransformerEncoderLayer, 200, 2, 200)
    return {
        "lenet": lambda: nn.ModuleDict({"conv1": nn.Conv2d(3, 6, 5), "conv2": nn.Conv2d(6, 16, 5),
            "fc1": nn.Linear(400, 120), "fc2": nn.Linear(120, 84), "fc3": nn.Linear(84, 10)}),
        "dcgan": lambda: nn.ModuleDict({"main": generator()}),
        "autoencoder": lambda: nn.ModuleDict({"fc1": nn.Linear(784, 400), "fc21": nn.Linear(400, 20),
            "fc22": nn.Linear(400, 20), "fc3": nn.Linear(20, 400), "fc4": nn.Linear(400, 784)}),
        "seq2seq": lambda: nn.ModuleDict({
            "encoder": nn.ModuleDict({"embedding": nn.Embedding(2803, 128), "gru": nn.GRU(128, 128)}),
            "decoder": nn.ModuleDict({"embedding": nn.Embedding(4345, 128), "attention": nn.ModuleDict(
                {"Wa": nn.Linear(128, 128), "Ua": nn.Linear(128, 128), "Va": nn.Linear(128, 1)}),
                "gru": nn.GRU(256, 128), "out": nn.Linear(128, 4345)})}),
        "char_rnn": lambda: nn.ModuleDict({"i2h": nn.Linear(185, 128), "h2o": nn.Linear(128, 18)}),
        "word_language": lambda: nn.ModuleDict({"encoder": nn.Embedding(1000, 200), "rnn": nn.LSTM(200, 200, 2),
            "decoder": nn.Linear(200, 1000)}),
        "word_transformer": lambda: nn.ModuleDict({"pos_encoder": Positions(200), "encoder": nn.Embedding(1000, 200),
            "transformer_encoder": nn.TransformerEncoder(encoder(), 2, enable_nested_tensor=False),
            "decoder": nn.Linear(200, 1000)}),
    }


class Positions(nn.Module):
    """A table of positions that no one trains."""

    def __init__(self, width):
        super().__init__()
        steps = torch.arange(5000).unsqueeze(1) * torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
        self.register_buffer("pe", torch.stack([steps.sin(), steps.cos()], dim=-1).flatten(1).unsqueeze(1))


@functools.cache
def groups():
    """{group: {name: how it is made}}."""
    return {
        "torchvision": {name: functools.partial(of_torchvision, name) for name in TORCHVISION},
        "timm": {name: functools.partial(timm.create_model, name, pretrained=False) for name in TIMM},
        "others": {name: functools.partial(timm.create_model, name, pretrained=False) for name in OTHERS},
        "layers": layers(),
    }


def versions():
    """The libraries, as the fixture names them."""
    return {library.__name__: library.__version__.split("+")[0] for library in (torch, torchvision, timm)}
