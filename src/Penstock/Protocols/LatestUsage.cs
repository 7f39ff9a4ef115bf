namespace Penstock.Protocols;

/// <summary>The latest usage that a provider reported, raw: some send a running one with every token, and only the last is worth parsing.</summary>
/// <param name="read">Parses it; null when it counts nothing.</param>
internal sealed class LatestUsage(LatestUsage.Reader read)
{
    private byte[] _json = [];
    private int _length;

    public delegate Usage? Reader(ReadOnlySpan<byte> json);

    /// <summary>What it counts; null where none came, or none that can be read.</summary>
    public Usage? Value
    {
        get
        {
            try
            {
                return _length == 0 ? null : read(_json.AsSpan(0, _length));
            }
            catch (InvalidOperationException)
            {
                return null; // a name in it holds half of a surrogate pair
            }
        }
    }

    public void Take(ReadOnlySpan<byte> json)
    {
        if (_json.Length < json.Length) _json = new byte[json.Length * 2];
        json.CopyTo(_json);
        _length = json.Length;
    }
}
