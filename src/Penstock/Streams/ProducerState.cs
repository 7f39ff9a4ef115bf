namespace Penstock.Streams;

/// <summary>How far one producer has come.</summary>
/// <param name="Epoch">Its latest epoch.</param>
/// <param name="Seq">Its last append in that epoch.</param>
/// <param name="At">The stream's next offset after that append, which orders producers by when they last appended.</param>
internal readonly record struct ProducerState(long Epoch, long Seq, long At);
