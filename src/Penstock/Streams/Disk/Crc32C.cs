using System.Buffers.Binary;
using System.Numerics;

namespace Penstock.Streams.Disk;

/// <summary>CRC-32C, eight bytes an instruction where the processor has it.</summary>
internal static class Crc32C
{
    /// <summary>Start with 0 and go on with the last result.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var b in bytes) crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }
}
