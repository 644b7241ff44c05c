"""A tape's normal form (`form`), what is alike in it (`packs`), rows (`rows`): of the forward pass
(`lanes`), of the backward pass (`reverse`), sums over lanes (`sums`), with what finishes them
(`fuse`), level by level in a table (`schedule`). All of it in order: `lower`."""
