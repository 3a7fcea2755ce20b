using Microsoft.Extensions.Logging;

namespace Diffusion.Training;

/// <summary>
/// Writes each report to a logger: a line of level Information; the losses by noise level at Debug; a step that was not finite at Warning, with the
/// module that it began in.
/// </summary>
/// <param name="logger">Where to; borrowed.</param>
public sealed partial class LoggerProgress(ILogger logger) : IProgress<TrainingProgress>
{
    private readonly ILogger _logger = logger ?? throw new ArgumentNullException(nameof(logger));

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        LogStep(_logger, value.Step, value.Loss, value.GradientNorm, value.LearningRate, value.SamplesPerSecond);
        foreach (var b in value.Buckets) LogBucket(_logger, value.Step, b.From, b.To, b.Loss, b.Floor, b.Samples);
        if (value.NonFinite is { } failure) LogNonFinite(_logger, failure.Step, failure.Module, failure.Parameter, failure.Explanation, value.Skipped);
    }

    [LoggerMessage(1, LogLevel.Information, "Step {Step}: loss {Loss:g5}, gradient norm {GradientNorm:g4}, learning rate {LearningRate:g4}, {SamplesPerSecond:f1} samples/s")]
    private static partial void LogStep(ILogger logger, long step, double loss, double gradientNorm, double learningRate, double samplesPerSecond);

    [LoggerMessage(2, LogLevel.Debug, "Step {Step}: loss {Loss:g5} at times {From:g3} to {To:g3} (floor {Floor:g5}, {Samples} samples)")]
    private static partial void LogBucket(ILogger logger, long step, double from, double to, double loss, double? floor, long samples);

    [LoggerMessage(3, LogLevel.Warning, "Step {Step} was not finite (module {Module}, parameter {Parameter}): {Explanation} It changed no weights. Steps left out since the last report: {Skipped}")]
    private static partial void LogNonFinite(ILogger logger, long step, string? module, string? parameter, string explanation, int skipped);
}
