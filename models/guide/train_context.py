"""Goes on from the weights of train.py on texts of up to 2,048 tokens, with PyTorch on the CPU.

Run: python3 train_context.py OUT.npz MINUTES [--start FILE.gguf] [--threads N] [--base B]

The larger base of the rotation turns slow pairs by angles at 2,048 tokens that they knew from 512; the fast ones hardly
notice it, so that little is left to learn.  Half of the time goes to rows of 512 tokens, packed with dialogues and
short documents, a half to rows of 2,048 tokens that are one text each.
"""
import argparse, math, random, time
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
import corpus, documents, long_dialogues, read_gguf, train
from train import HD, H, KV, L, Block, Model, Tokenizer, rope

LONG, SHORT, QUERIES = 2048, 512, 512

class ContextBlock(Block):
    """A Block whose queries come in groups, each against the keys up to its last one: half the scores of a long row."""
    def forward(s, x, cos, sin, mask):
        B, T, _ = x.shape; h = s.n1(x)
        q = rope(s.q(h).view(B, T, H, HD).transpose(1, 2) * HD ** -.5, cos, sin)
        k = rope(s.k(h).view(B, T, KV, HD).transpose(1, 2), cos, sin).repeat_interleave(H // KV, 1)
        v = s.v(h).view(B, T, KV, HD).transpose(1, 2).repeat_interleave(H // KV, 1); out = []
        for a in range(0, T, QUERIES):
            b = min(T, a + QUERIES)
            out.append(((q[:, :, a:b] @ k[:, :, :b].transpose(-1, -2)).float() + mask[:, :, a:b, :b]).softmax(-1).to(v.dtype) @ v[:, :, :b])
        x = x + s.o(torch.cat(out, 2).transpose(1, 2).reshape(B, T, H * HD))
        h = s.n2(x); return x + s.down(F.silu(s.gate(h)) * s.up(h))

class ContextModel(Model):
    def __init__(s): super().__init__(); s.blocks = nn.ModuleList(ContextBlock() for _ in range(L))

def rendered(tok, turns):
    ids, w = [], []
    for role, text in turns:
        mine = 1. if role == "assistant" else .1; head = [1] + tok.encode(role + "\n"); body = tok.encode(text) + [2]; tail = tok.encode("\n")
        ids += head + body + tail
        # Most of a long text cannot be foretold, and what repeats in it is learned anyway.
        w += [.1] * len(head) + [mine if mine == 1 else .1 if len(body) < 60 else .02] * len(body) + [.1] * len(tail)
    return ids + [0], w + [.1]

def chat(r, turns): return ([("system", corpus.SYSTEM)] if r.random() < .4 else []) + [(role, x) for t in turns for role, x in zip(("user", "assistant"), t)]

def short_text(r):
    k = r.random()
    if k < .72: return chat(r, corpus.dialogue(r))
    if k < .82: return documents.about_people(r, r.randrange(10, 150))
    if k < .86: return documents.hidden_word(r, r.randrange(20, 200))
    if k < .92: return documents.list_of_items(r, r.choice([0, 0, 80]))
    return documents.calls(r, 0)

def long_text(r):
    k = r.random()
    if k < .6: return chat(r, long_dialogues.document(r, LONG, *r.choice([(.04, .10), (.08, .3), (.15, .45)]))[0])
    words = r.randrange(300, 1300)
    if k < .8: return documents.about_people(r, words)
    if k < .95: return documents.hidden_word(r, words)
    return documents.list_of_items(r, words)

def batch(tok, r, rows, T, text):
    """Rows of T + 1 tokens, the last text of each cut off; which text a token belongs to, and the weight of its loss."""
    x = np.zeros((rows, T + 1), np.int64); w = np.zeros((rows, T + 1), np.float32); doc = np.zeros((rows, T + 1), np.int64)
    for i in range(rows):
        at, k = 0, 1
        while at <= T:
            ids, ww = rendered(tok, text(r)); m = min(len(ids), T + 1 - at)
            if at > 0 and text is long_text and m < len(ids): ids, ww = rendered(tok, short_text(r)); m = min(len(ids), T + 1 - at)
            x[i, at:at + m] = ids[:m]; w[i, at:at + m] = ww[:m]; w[i, at] = 0; doc[i, at:at + m] = k; at += m; k += 1
    return torch.from_numpy(x), torch.from_numpy(w), torch.from_numpy(doc)

def answer_loss(m, tok, T, rows, text):
    """Mean loss of the tokens of answers in texts that training does not see."""
    x, w, doc = batch(tok, random.Random(99), rows, T, text)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16): y = m(x[:, :-1], doc[:, :-1])
    ce = F.cross_entropy(y.float().flatten(0, 1), x[:, 1:].flatten(), reduction="none"); return ce[w[:, 1:].flatten() == 1].mean().item()

def main():
    p = argparse.ArgumentParser(); p.add_argument("out"); p.add_argument("minutes", type=float)
    p.add_argument("--start", default="guide-q8_0.gguf"); p.add_argument("--threads", type=int, default=2)
    p.add_argument("--base", type=float, default=40000.); p.add_argument("--rate", type=float, default=8e-4); p.add_argument("--seed", type=int, default=7)
    o = p.parse_args(); torch.set_num_threads(o.threads); torch.manual_seed(0); r = random.Random(o.seed); train.BASE = o.base
    meta, weights = read_gguf.read(o.start)
    tok = Tokenizer([tuple(x.split(" ")) for x in meta["tokenizer.ggml.merges"]]); assert tok.tokens == meta["tokenizer.ggml.tokens"]
    m = ContextModel(); m.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items()})
    decay = [q for q in m.parameters() if q.dim() == 2]; rest = [q for q in m.parameters() if q.dim() < 2]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": .05}, {"params": rest, "weight_decay": 0}], betas=(.9, .95))
    report = lambda: f"held out: {answer_loss(m, tok, SHORT, 8, short_text):.4f} in {SHORT}, {answer_loss(m, tok, LONG, 2, long_text):.4f} in {LONG}"
    print(report(), flush=True); start, step, spent, saved = time.time(), 0, [0., 0.], 0.
    while (done := (time.time() - start) / (60 * o.minutes)) < 1:
        for g in opt.param_groups: g["lr"] = o.rate * min(1, (step + 1) / 30) * (.5 * (1 + math.cos(math.pi * done)) * .97 + .03)
        began = time.time(); long = spent[1] <= spent[0]
        x, w, doc = batch(tok, r, *((2, LONG, long_text) if long else (8, SHORT, short_text)))
        with torch.autocast("cpu", dtype=torch.bfloat16): y = m(x[:, :-1], doc[:, :-1])
        ce = F.cross_entropy(y.float().flatten(0, 1), x[:, 1:].flatten(), reduction="none"); ww = w[:, 1:].flatten(); loss = (ce * ww).sum() / ww.sum()
        opt.zero_grad(); loss.backward(); nn.utils.clip_grad_norm_(m.parameters(), 1.); opt.step(); step += 1; spent[long] += time.time() - began
        if step % 10 == 0: print(f"{step} {done:.3f} {'long' if long else 'short'} loss {loss.item():.4f} answer {ce[ww == 1].mean().item():.4f} {time.time() - start:.0f} s, long {spent[1]:.0f} s", flush=True)
        if step % 100 == 0: print(report(), flush=True); save(o, m, tok)
    print(report()); save(o, m, tok)

def save(o, m, tok):
    train.BASE = o.base; train.save(o.out, m, tok, context=LONG, trained=LONG)

if __name__ == "__main__": main()
