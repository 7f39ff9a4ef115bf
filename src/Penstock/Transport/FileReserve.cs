namespace Penstock.Transport;

/// <summary>
/// Keeps sockets from taking the last of the files that the process may open. The runtime needs one to start a thread, and
/// ends the process when its pool must grow and cannot. The kernel gives out the lowest number that is free, so a new
/// number tells how many are taken.
/// </summary>
internal static class FileReserve
{
    private const int ForThreads = 32;
    private const int ForProviders = 32; // what the clients that are there already ask for

    private static readonly long _limit = Libc.MaxFiles();

    /// <summary>Whether there is room for another client.</summary>
    public static bool HasRoomForClient() =>
        Libc.NextNumber() is var number and >= 0 && number < _limit - ForThreads - ForProviders;

    /// <summary>Whether a connection to a provider may keep its number.</summary>
    public static bool HasRoomForProvider(int number) => number < _limit - ForThreads;
}
