#!/usr/bin/env python3
"""Loads with PEFT an adapter that `seedbed init --recipe adapters` has written, and holds its laws to PEFT's own.

    python3 tests/peers/peft_adapter.py

It wants torch, transformers, peft and scipy. SEEDBED names the command, by default target/release/seedbed.
"""

import math
import os
import subprocess
import sys
import tempfile

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from scipy import stats
from transformers import LlamaConfig, LlamaForCausalLM

BINARY = os.environ.get("SEEDBED", "target/release/seedbed")
TARGETS = ["q_proj", "down_proj", "embed_tokens"]


def base():
    torch.manual_seed(0)
    sizes = {"hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 4}
    return LlamaForCausalLM(LlamaConfig(vocab_size=300, **sizes))


def main():
    checked = 0
    for init in (True, "gaussian"):
        with tempfile.TemporaryDirectory() as folder:
            old, new = os.path.join(folder, "old"), os.path.join(folder, "new")
            torch.manual_seed(1)
            theirs = get_peft_model(base(), LoraConfig(r=16, target_modules=TARGETS, init_lora_weights=init))
            # The base model's embedding, which PEFT would save too, is no part of the adapter.
            theirs.save_pretrained(old, save_embedding_layers=False)
            command = [BINARY, "init", "--like", old, "--recipe", "adapters", "-o", new, "--seed", "5"]
            subprocess.run(command, check=True)
            loaded = PeftModel.from_pretrained(base(), new)
            ours = {k: v for k, v in loaded.state_dict().items() if "lora_" in k}
            file = load_file(os.path.join(new, "adapter_model.safetensors"))
            assert len(ours) == len(file) == 2 * (2 * 2 + 1), (len(ours), len(file))
            for name, stored in file.items():
                live = name.removesuffix(".weight") + ".default" + (".weight" if name.endswith(".weight") else "")
                values, own = ours[live], theirs.state_dict()[live]
                assert torch.equal(values, stored), name
                flat, their = values.flatten().numpy(), own.flatten().numpy()
                if not own.any():
                    assert not values.any(), name
                    continue
                # Ours against their law, theirs as the control that the law is theirs, and a law that neither has.
                fan_in = values.shape[1]
                if "lora_embedding_B" in name:
                    law = stats.norm(0, 1)
                elif init == "gaussian":
                    law = stats.norm(0, 1 / 16)
                else:
                    law = stats.uniform(-1 / math.sqrt(fan_in), 2 / math.sqrt(fan_in))
                for sample in (flat, their):
                    assert stats.kstest(sample, law.cdf).pvalue > 1e-4, (name, init)
                assert stats.kstest(flat, stats.norm(0, law.std() * 1.2).cdf).pvalue < 1e-4, name
                checked += 1
            # A pair begins as nothing: the logits are the base model's.
            ids = torch.arange(7)[None]
            with torch.no_grad():
                assert torch.equal(loaded(ids).logits, base().eval()(ids).logits)
    print(f"{checked} tensors that are drawn have PEFT's law, and two adapters load and change no logit")
    sys.exit(0 if checked == 10 else 1)


if __name__ == "__main__":
    main()
