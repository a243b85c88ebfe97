"""Checkpoints made on the spot, which the product loads as it loads real ones. They know nothing: weights are random."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram
from tokenizers.trainers import UnigramTrainer
from transformers import PreTrainedTokenizerFast

# 1.6 million parameters, 6.5 MB: timm's smallest vision transformer and two thin layers of text.
TINY: Mapping[str, Any] = {
    "embed_dim": 768,
    "init_logit_bias": -10,
    "custom_text": True,
    "vision_cfg": {
        "timm_model_name": "test_vit",
        "timm_model_pretrained": False,
        "timm_pool": "avg",
        "timm_proj": "linear",
        "image_size": 160,
    },
    "text_cfg": {
        "context_length": 64,
        "vocab_size": 300,
        "hf_tokenizer_name": "local",
        "tokenizer_kwargs": {"clean": "canonicalize"},
        "width": 192,
        "heads": 3,
        "layers": 2,
        "no_causal_mask": True,
        "proj_bias": True,
        "pool_type": "last",
        "norm_kwargs": {"eps": 1e-6},
    },
}
PREPROCESSING: Mapping[str, Any] = {
    "mean": [0.5] * 3,
    "std": [0.5] * 3,
    "interpolation": "bicubic",
    "resize_mode": "squash",
}
# About what SigLIP's training ends with; what it begins with is refused.
TRAINED = {"logit_scale": 4.76, "logit_bias": -12.9}
WORDS = "a red table lamp of copper with a blue shade and an oak chair in four sizes for the garden, 12 cm".split()


def make_checkpoint(folder: Path, model: Mapping[str, Any] = TINY, *, seed: int = 0, **logits: float) -> str:
    """Write a checkpoint, and return the name by which SIGLIP_MODEL calls it."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_tokenizer(folder)
    config = {"model_cfg": model, "preprocess_cfg": PREPROCESSING}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    write_weights(folder, seed=seed, **logits)
    return f"local-dir:{folder}"


def write_weights(folder: Path, *, seed: int, **logits: float) -> None:
    """Write random weights of the architecture that the folder's configuration names."""
    with torch.random.fork_rng(), _open_clip_without_its_warning():
        torch.manual_seed(seed)
        model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    state |= {name: torch.tensor(value) for name, value in (TRAINED | logits).items()}
    save_file(state, folder / "open_clip_model.safetensors")


def _write_tokenizer(folder: Path) -> None:
    tokenizer = Tokenizer(Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = UnigramTrainer(
        vocab_size=300, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator([*WORDS, "abcdefghijklmnopqrstuvwxyz 0123456789"], trainer)
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>", pad_token="</s>", model_max_length=64
    ).save_pretrained(folder)


@contextmanager
def _open_clip_without_its_warning() -> Iterator[None]:
    """Keep quiet that the model is random: so it shall be."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
