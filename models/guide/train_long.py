"""Trains the small models of docs/long-context.md: one document is one long dialogue, facts are asked for much later.

Run: python3 train_long.py KIND OUT.npz [--steps N] [--length T] [--threads N] [--start FILE.gguf]
KIND: baseline | log_n (the score gain ln n / ln T is trained in) | key_norm (keys of length 1) | vq (keys older than two
windows are replaced by codes of a codebook that is learned along with the weights).

Every kind starts from the weights and the tokenizer of the bundled model and sees the same documents in the same order, so
the kinds differ in nothing but their attention.  The definitions are those of docs/long-context.md; to_gguf.py writes the result.
"""
import argparse, json, math, random, time
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
import long_dialogues, read_gguf, train
from train import Block, HD, H, KV, L, Model, Tokenizer, rope

WINDOW, SINKS, CODES = 64, 4, 256
FAR = 2 * WINDOW
DECAY = .99                 # of the moving averages that make a codebook; about 100 steps of memory
COMMIT = 1e-3               # pulls keys towards their codes; more makes the keys themselves poorer

class Codebook(nn.Module):
    """Codes of the keys of one layer: [kv heads][codes][head size], the moving average of the keys that chose each code."""
    def __init__(s):
        super().__init__()
        for name, shape in (("code", (KV, CODES, HD)), ("total", (KV, CODES, HD)), ("count", (KV, CODES))): s.register_buffer(name, torch.zeros(shape))
        s.started = False
    def forward(s, k):
        """k: [batch][kv heads][T][head size].  Keys replaced by codes (gradients pass straight through), and the commitment loss."""
        flat = k.detach().transpose(0, 1).flatten(1, 2)                      # [kv heads][batch * T][head size]
        if not s.started: s.start(flat)
        z = (flat @ s.code.transpose(1, 2) - s.code.pow(2).sum(-1)[:, None] / 2).argmax(-1)
        if s.training: s.follow(flat, z)
        near = s.code.gather(1, z[..., None].expand(-1, -1, HD)).view(k.shape[1], k.shape[0], k.shape[2], HD).transpose(0, 1)
        return k + (near - k).detach(), (k - near).pow(2).sum(-1).mean()
    def start(s, flat):
        if s.code.abs().sum() == 0:
            s.code.copy_(flat[:, torch.randperm(flat.shape[1])[:CODES]]); s.total.copy_(s.code); s.count.fill_(1.)
        s.started = True
    def follow(s, flat, z):
        for h in range(flat.shape[0]):
            n = torch.bincount(z[h], minlength=CODES).float()
            s.count[h].mul_(DECAY).add_(n, alpha=1 - DECAY)
            s.total[h].mul_(DECAY).add_(torch.zeros_like(s.total[h]).index_add_(0, z[h], flat[h]), alpha=1 - DECAY)
            dead = (s.count[h] < .05).nonzero()[:, 0]                        # nobody's nearest for long: start again at a random key
            s.total[h][dead] = flat[h][torch.randint(flat.shape[1], (len(dead),))]; s.count[h][dead] = 1.
            s.code[h] = s.total[h] / s.count[h][:, None]

class LongBlock(Block):
    def __init__(s, kind):
        super().__init__(); s.kind = kind; s.book = Codebook() if kind == "vq" else None; s.commitment = 0.
        s.scale = 1. if kind == "key_norm" else HD ** -.5
    def forward(s, x, table):
        B, T, _ = x.shape; h = s.n1(x); cos, sin = table.cos, table.sin
        q = s.q(h).view(B, T, H, HD).transpose(1, 2) * table.gain
        k = s.k(h).view(B, T, KV, HD).transpose(1, 2); v = s.v(h).view(B, T, KV, HD).transpose(1, 2)
        if s.kind == "key_norm": k = F.normalize(k, dim=-1, eps=1e-12)
        score = rope(q, cos, sin) @ rope(k, cos, sin).repeat_interleave(H // KV, 1).transpose(-1, -2)
        if s.book is not None:
            code, s.commitment = s.book(k)
            old = torch.cat((k[:, :, :SINKS], code[:, :, SINKS:]), 2).repeat_interleave(H // KV, 1)   # sinks stay exact
            score = torch.where(table.far, rope(q, table.far_cos, table.far_sin) @ old.transpose(-1, -2), score)
        a = (score * s.scale + table.mask).softmax(-1) @ v.repeat_interleave(H // KV, 1)
        x = x + s.o(a.transpose(1, 2).reshape(B, T, H * HD))
        h = s.n2(x); return x + s.down(F.silu(s.gate(h)) * s.up(h))

class Table:
    """What depends on positions only.  far marks the pairs whose distance is FAR: keys that left both windows, old sinks."""
    def __init__(s, kind, T, trained):
        f = train.BASE ** (-torch.arange(0, HD, 2) / HD); i = torch.arange(T)[:, None]; j = torch.arange(T)[None]
        s.cos, s.sin = (i * f).cos(), (i * f).sin(); s.far_cos, s.far_sin = (FAR * f).cos(), (FAR * f).sin()
        s.gain = torch.log(i + 1.) / math.log(trained) if kind == "log_n" else 1.
        exact = j >= ((i // WINDOW - 1) * WINDOW).clamp(min=0)
        s.far = ~exact & ~((j < SINKS) & (i - j < FAR)) & (j <= i)
        s.mask = torch.zeros(T, T).masked_fill_(j > i, -1e30)

class LongModel(Model):
    def __init__(s, kind, trained):
        super().__init__(); s.kind, s.trained, s.tables = kind, trained, {}; s.blocks = nn.ModuleList(LongBlock(kind) for _ in range(L))
    def forward(s, x):
        T = x.shape[1]
        if T not in s.tables: s.tables[T] = Table(s.kind, T, s.trained)
        h = s.emb(x)
        for b in s.blocks: h = b(h, s.tables[T])
        return F.linear(s.norm(h), s.emb.weight)

def start_from(m, weights):
    own = m.state_dict(); own.update({k: torch.from_numpy(v) for k, v in weights.items()}); m.load_state_dict(own)

def adopt_key_lengths(m, x):
    """KeyNorm drops the length of the keys; the queries take over its mean, or the first steps would only repair that."""
    h = m.emb(x)
    table = Table("baseline", x.shape[1], m.trained)
    for b in m.blocks:
        k = b.k(b.n1(h)).view(*x.shape, KV, HD)
        length = k.norm(dim=-1).mean((0, 1)) * HD ** -.5                     # [kv heads]
        b.q.weight.data.mul_(length.repeat_interleave(H // KV).repeat_interleave(HD)[:, None])
        h = b(h, table)

def ids_of(tok, turns, asked):
    """ChatML; ids, loss weight of predicting each id, and the spans [from, to) of answers that repeat a fact."""
    ids, w, spans, facts = [], [], [], {i for i, _ in asked}
    def put(x, wt): ids.extend(x); w.extend([wt] * len(x))
    for i, turn in enumerate(turns):
        for role, text, wt in (("user", turn[0], .1), ("assistant", turn[1], 1.)):
            put([1] + tok.encode(role + "\n"), .1); at = len(ids); put(tok.encode(text) + [2], wt); put(tok.encode("\n"), .1)
            if wt == 1 and i in facts: spans.append((at, len(ids) - 1))
    return ids, w, spans

def batch(tok, r, n, T, tell, ask):
    x = np.zeros((n, T + 1), np.int64); w = np.zeros((n, T + 1), np.float32); spans = []
    for row in range(n):
        ids, ww, asked = [], [], []
        words = T
        while len(ids) <= T: ids, ww, asked = ids_of(tok, *long_dialogues.document(r, words, tell, ask)); words *= 2
        x[row], w[row] = ids[:T + 1], ww[:T + 1]; spans += [(row, a, b) for a, b in asked if b <= T + 1]
    w[:, 0] = 0
    return torch.from_numpy(x), torch.from_numpy(w), spans

def measure(m, tok, T, documents=24):
    """Held-out documents of the trained length: mean loss of answers, share of asked facts that greedy decoding would repeat exactly."""
    m.eval(); r = random.Random(77); answers, right, total = [], 0, 0
    with torch.no_grad():
        for _ in range(documents // 8):
            x, w, spans = batch(tok, r, 8, T, .06, .22); y = m(x[:, :-1])
            ce = F.cross_entropy(y.transpose(1, 2), x[:, 1:], reduction="none"); answers.append(ce[w[:, 1:] == 1])
            hit = y.argmax(-1) == x[:, 1:]
            for row, a, b in spans: right += bool(hit[row, a - 1:b - 1].all()); total += 1
    m.train(); return torch.cat(answers).mean().item(), right, total

def main():
    p = argparse.ArgumentParser(); p.add_argument("kind", choices="baseline log_n key_norm vq".split()); p.add_argument("out")
    p.add_argument("--steps", type=int, default=300); p.add_argument("--length", type=int, default=512); p.add_argument("--rows", type=int, default=6)
    p.add_argument("--threads", type=int, default=2); p.add_argument("--start", default="guide-q8_0.gguf"); p.add_argument("--rate", type=float, default=5e-4)
    o = p.parse_args(); torch.set_num_threads(o.threads); torch.manual_seed(0); r = random.Random(5)
    meta, weights = read_gguf.read(o.start)
    tok = Tokenizer([tuple(x.split(" ")) for x in meta["tokenizer.ggml.merges"]]); assert tok.tokens == meta["tokenizer.ggml.tokens"]
    m = LongModel(o.kind, o.length); start_from(m, weights)
    if o.kind == "key_norm":
        with torch.no_grad(): adopt_key_lengths(m, batch(tok, random.Random(3), 4, o.length, .06, .22)[0])
    decay = [q for q in m.parameters() if q.dim() == 2]; rest = [q for q in m.parameters() if q.dim() < 2]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": .05}, {"params": rest, "weight_decay": 0}], betas=(.9, .95))
    print(o.kind, "before", *measure(m, tok, o.length), flush=True)
    start = time.time()
    for step in range(o.steps):
        for g in opt.param_groups: g["lr"] = o.rate * min(1, (step + 1) / 20) * (.5 * (1 + math.cos(math.pi * step / o.steps)) * .97 + .03)
        x, w, _ = batch(tok, r, o.rows, o.length, .12, .42); y = m(x[:, :-1])
        ce = F.cross_entropy(y.flatten(0, 1), x[:, 1:].flatten(), reduction="none"); ww = w[:, 1:].flatten(); loss = (ce * ww).sum() / ww.sum()
        commitment = sum(b.commitment for b in m.blocks)
        opt.zero_grad(); (loss + COMMIT * commitment).backward(); nn.utils.clip_grad_norm_(m.parameters(), 1.); opt.step()
        if step % 10 == 9: print(f"{o.kind} {step + 1} loss {loss.item():.4f} answer {ce[ww == 1].mean().item():.4f} commitment {float(commitment):.3f} {time.time() - start:.0f} s", flush=True)
        if step % 50 == 49: save(o, m, tok)
    save(o, m, tok); print(o.kind, "after", *measure(m, tok, o.length), flush=True)

def save(o, m, tok):
    meta = dict(V=train.V, D=train.D, L=L, H=H, KV=KV, HD=HD, FF=train.FF, base=train.BASE, tokens=tok.tokens, merges=[a + " " + b for a, b in tok.merges],
                special=len(train.SPECIAL), used=len(train.SPECIAL) + 256 + len(tok.merges), kind=o.kind, context=o.length, window=WINDOW, sinks=SINKS, far=FAR)
    np.savez(o.out, meta=json.dumps(meta), **{k: v.detach().float().numpy() for k, v in m.state_dict().items()})

if __name__ == "__main__": main()
