namespace Diffusion.Checkpoints.Schedulers;

/// <summary>The trained timestep of a σ/α, linear in ln σ between timesteps and clamped beyond them: what the published samplers tell the network inside a step.</summary>
/// <param name="trained">σ/α of every trained timestep, rising.</param>
internal sealed class TrainedSigmaLabel(double[] trained) : NoiseLabel
{
    public override string Name => "trained timestep of sigma";

    public override double At(NoiseLevel level) => PublishedSigmas.Timesteps(trained, [level.NoiseToSignal])[0];
}
