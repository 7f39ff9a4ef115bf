namespace Penstock.AspNetCore.Replies;

/// <summary>Takes the frames of the log apart: <c>data: {…}</c>, perhaps an id, a blank line.</summary>
internal static class DataFrames
{
    /// <summary>Takes the next frame's JSON; false where there is none.</summary>
    public static bool TryTake(scoped ref ReadOnlySpan<byte> frames, out ReadOnlySpan<byte> json)
    {
        json = default;
        if (!frames.StartsWith("data: "u8)) return false;
        json = frames["data: "u8.Length..frames.IndexOf((byte)'\n')];
        frames = frames[(frames.IndexOf("\n\n"u8) + 2)..];
        return true;
    }
}
