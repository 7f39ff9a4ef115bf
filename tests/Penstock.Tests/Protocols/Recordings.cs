namespace Penstock.Tests.Protocols;

/// <summary>Streams that real providers sent, kept in a folder beside the repository on some machines; tests skip where it is absent.</summary>
internal static class Recordings
{
    public static string[] Find(string protocol)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, "shared", "recordings", protocol);
            if (Directory.Exists(path)) return Directory.GetFiles(path, "*.jsonl");
        }

        Assert.Skip($"There is no folder shared/recordings/{protocol} beside the repository.");
        return [];
    }
}
