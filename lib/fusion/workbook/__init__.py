"""The workbook's own machinery: parameters, running the chain, exhibits, manifest, site.

It knows nothing of economics; the rooms that compute know nothing of it.
"""
