using System.Security.Cryptography;
using Penstock.Streams;

namespace Penstock.AspNetCore.Auth;

/// <summary>A secret of the server's own that lives in the log, as long as the streams do and wherever they are.</summary>
internal static class StoredSecret
{
    /// <summary>The secret at a path of the log, made of random bytes if there is none yet.</summary>
    public static async Task<byte[]> LoadAsync(IStreamLog log, string path, int length)
    {
        if (await log.GetAsync(path) is null)
        {
            using var batch = new StreamBatch();
            batch.Add(RandomNumberGenerator.GetBytes(length));
            try
            {
                await log.CreateSharedAsync(path, new SharedStreamOptions { Closed = true, KeepWhole = true }, batch);
            }
            catch (StreamExistsException)
            {
                // Another one was quicker.
            }
        }

        using var reader = await log.OpenReaderAsync(path);
        var isThere = reader is not null && await reader.WaitAsync() is StreamWait.Ready;
        return isThere && reader!.TryRead(out var secret) ? secret.Data.ToArray() : throw new InvalidOperationException($"The secret {path} cannot be read from the log.");
    }
}
