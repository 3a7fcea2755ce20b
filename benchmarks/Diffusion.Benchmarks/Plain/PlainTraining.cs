using TorchSharp.Modules;

namespace Diffusion.Benchmarks.Plain;

/// <summary>Training as the examples of TorchSharp write it: its own AdamW and clip_grad_norm_, and an average of the weights by a loop.</summary>
public sealed class PlainTraining : IDisposable
{
    private readonly Parameter[] _parameters;
    private readonly Tensor[] _averages;
    private readonly optim.Optimizer _optimizer;

    public PlainTraining(IEnumerable<Parameter> parameters, double rate)
    {
        _parameters = [.. parameters];
        using var gradients = no_grad();
        _averages = Array.ConvertAll(_parameters, p => p.clone().DetachFromDisposeScope());
        _optimizer = optim.AdamW(_parameters, rate, weight_decay: 0.01);
    }

    /// <summary>Clipping, the optimizer's step and the average, once gradients are there.</summary>
    public void Update()
    {
        using var scope = NewDisposeScope();
        nn.utils.clip_grad_norm_(_parameters, 1.0);
        _optimizer.step();
        using var gradients = no_grad();
        for (var i = 0; i < _averages.Length; i++) _averages[i].mul_(0.9999).add_(_parameters[i], alpha: 0.0001);
    }

    /// <summary>A whole step on a batch.</summary>
    public void Step(PlainUNet network, Tensor x0, Tensor alphas, Tensor sigmas)
    {
        using var scope = NewDisposeScope();
        _optimizer.zero_grad();
        Loss(network, x0, alphas, sigmas).backward();
        Update();
    }

    /// <summary>The mean squared error of the predicted noise at random levels.</summary>
    public static Tensor Loss(PlainUNet network, Tensor x0, Tensor alphas, Tensor sigmas)
    {
        var t = randint(0, alphas.shape[0], [x0.shape[0]], device: x0.device);
        var noise = randn_like(x0);
        var x = alphas[t].view(-1, 1, 1, 1) * x0 + sigmas[t].view(-1, 1, 1, 1) * noise;
        return nn.functional.mse_loss(network.call(x, t), noise);
    }

    public void Dispose()
    {
        foreach (var average in _averages) average.Dispose();
        _optimizer.Dispose();
    }
}
