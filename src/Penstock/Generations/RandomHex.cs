using System.Buffers;
using System.Security.Cryptography;

namespace Penstock.Generations;

/// <summary>The part of an id that nobody guesses: 128 random bits in hex.</summary>
internal static class RandomHex
{
    public const int Length = 32;

    private const int Bytes = Length / 2;

    // The system's source is drawn from for many at once: between two requests its code has left the processor's caches, and 16 bytes of it took 20 µs.
    private const int AtOnce = 64;

    private static readonly SearchValues<char> _digits = SearchValues.Create("0123456789abcdef");

    [ThreadStatic]
    private static byte[]? _drawn;

    [ThreadStatic]
    private static int _left;

    public static string New()
    {
        if (_left == 0)
        {
            RandomNumberGenerator.Fill(_drawn ??= new byte[Bytes * AtOnce]);
            _left = AtOnce;
        }

        return Convert.ToHexStringLower(_drawn.AsSpan(--_left * Bytes, Bytes));
    }

    public static bool Is(ReadOnlySpan<char> text) => text.Length == Length && !text.ContainsAnyExcept(_digits);
}
