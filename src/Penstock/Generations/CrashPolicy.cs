namespace Penstock.Generations;

/// <summary>What becomes of a generation whose server died.</summary>
public enum CrashPolicy : byte
{
    /// <summary>It ends as <c>interrupted</c>; its text so far is kept, and the provider is not paid twice.</summary>
    Fail,

    /// <summary>A <c>reset</c> tells every watcher to clear, and it begins anew.</summary>
    Restart,

    /// <summary>The model is given the text so far and goes on from there; where it cannot, as <see cref="Fail"/>.</summary>
    Continue,
}
