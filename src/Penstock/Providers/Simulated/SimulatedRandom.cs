namespace Penstock.Providers.Simulated;

/// <summary>The same numbers for the same text and seed on every machine and run (SplitMix64, https://prng.di.unimi.it/splitmix64.c).</summary>
internal struct SimulatedRandom
{
    private ulong _state;

    public SimulatedRandom(string text, int seed)
    {
        _state = 14695981039346656037; // FNV-1a
        foreach (var c in text) _state = (_state ^ c) * 1099511628211;
        _state ^= (ulong)(uint)seed << 32;
    }

    public ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>A number from 0 up to, not including, <paramref name="end"/>.</summary>
    public int Next(int end) => (int)(Next() % (ulong)end);

    /// <summary>A number from 0 to 1.</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1ul << 53));
}
