"""Reads the weights and the tokenizer back from a GGUF file that to_gguf.py wrote (needs numpy only).

`read(path)` returns (metadata, tensors): a dictionary of the file's keys and a dictionary of float32 arrays under the
names that train.py uses.
"""
import struct
import numpy as np

SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
STRING, ARRAY = 8, 9
PARTS = dict(attn_norm="n1.w", ffn_norm="n2.w", attn_q="q.weight", attn_k="k.weight", attn_v="v.weight", attn_output="o.weight",
             ffn_gate="gate.weight", ffn_up="up.weight", ffn_down="down.weight")

def weights(raw, kind, count):
    if kind == 0: return np.frombuffer(raw, "<f4", count)
    if kind == 1: return np.frombuffer(raw, "<f2", count).astype(np.float32)
    if kind != 8: raise ValueError(f"tensor type {kind}: only F32, F16 and Q8_0 are read here")
    blocks = np.frombuffer(raw, np.dtype([("d", "<f2"), ("q", "i1", 32)]), count // 32)
    return (blocks["d"].astype(np.float32)[:, None] * blocks["q"]).reshape(-1)

def trained_name(name):
    if not name.startswith("blk."): return {"token_embd.weight": "emb.weight", "output_norm.weight": "norm.w"}[name]
    _, layer, part, _ = name.split("."); return f"blocks.{layer}.{PARTS[part]}"

def read(path):
    data, at = open(path, "rb").read(), 4
    def take(form):
        nonlocal at
        v, = struct.unpack_from(form, data, at); at += struct.calcsize(form); return v
    def string():
        nonlocal at
        n = take("<Q"); s = data[at:at + n].decode(); at += n; return s
    def value(kind):
        if kind == STRING: return string()
        if kind != ARRAY: return take(SCALARS[kind])
        of, n = take("<I"), take("<Q"); return [value(of) for _ in range(n)]
    if data[:4] != b"GGUF": raise ValueError(f"{path} is no GGUF file")
    _, n_tensors, n_keys = take("<I"), take("<Q"), take("<Q")
    meta = {}
    for _ in range(n_keys): key = string(); meta[key] = value(take("<I"))
    infos = []
    for _ in range(n_tensors):
        name = string(); shape = [take("<Q") for _ in range(take("<I"))]; infos.append((name, shape, take("<I"), take("<Q")))
    align = meta.get("general.alignment", 32); base = -(-at // align) * align
    return meta, {trained_name(n): weights(data[base + off:], kind, int(np.prod(shape))).reshape(shape[::-1]).copy() for n, shape, kind, off in infos}
