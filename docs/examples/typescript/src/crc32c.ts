const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) {
    n = n & 1 ? (n >>> 1) ^ 0x82f63b78 : n >>> 1;
  }
  return n;
});

/** The CRC-32C (Castagnoli) of data, which follows bytes whose CRC is crc. */
export function crc32c(data: Uint8Array, crc = 0): number {
  crc = ~crc;
  for (let i = 0; i < data.length; i++) {
    crc = TABLE[(crc ^ data[i]) & 0xff] ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}
