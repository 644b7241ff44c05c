"""A small transformer that learns one sentence by heart: the next letter at every position."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

text = "abracadabra"
letters = sorted(set(text))
ids = torch.tensor([letters.index(c) for c in text])


class GPT(nn.Module):
    def __init__(self, size=8):
        super().__init__()
        self.tokens = nn.Embedding(len(letters), size)
        self.places = nn.Embedding(len(text), size)
        self.block = nn.TransformerEncoderLayer(size, 2, 16, dropout=0.0, norm_first=True)
        self.norm = nn.LayerNorm(size)
        self.logits = nn.Linear(size, len(letters))

    def forward(self, ids):
        x = self.tokens(ids) + self.places(torch.arange(len(ids)))
        mask = nn.Transformer.generate_square_subsequent_mask(len(ids))
        return self.logits(self.norm(self.block(x, mask, is_causal=True)))


model = GPT()
optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
for _ in range(25):
    loss = cross_entropy(model(ids[:-1]), ids[1:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.4f}")
print(text[0] + "".join(letters[i] for i in model(ids[:-1]).argmax(-1)))
